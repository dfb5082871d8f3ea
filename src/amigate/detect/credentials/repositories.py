"""Files of credentials: where tools keep what opens repositories."""

from __future__ import annotations

from functools import partial

from amigate.detect.credentials.kind import Kind, any_of, form, holding, named
from amigate.detect.hits import Sort
from amigate.detect.values import assigned, authorizations, urls

_kind = partial(Kind, sort=Sort.VCS)

KINDS = (
    _kind(detail="git keeps a password in it", names=".git-credentials", read=urls),
    _kind(detail="git keeps a password in it", names="credentials", folder=r"/\.config/git/$", read=urls),
    _kind(
        detail="a password for a host",
        names=".netrc _netrc .netrc.*",
        read=form(r"(?m)(?:^|[ \t])password[ \t]{1,20}(?P<value>\S{1,500})"),
    ),
    _kind(
        detail="a command line's token",
        names="hosts.yml config.yml hub",
        folder=r"/\.config/(?:gh|glab-cli|hub|)/?$",
        read=named("oauth_token|token"),
    ),
    _kind(
        detail="a password or token for a remote",
        names="config .gitconfig gitconfig .gitmodules",
        folder=r"/\.git/$|/\.git/modules/|\.git/$|/\.config/git/$|^/(?:root|home/[^/]*|etc)/$",
        read=any_of(
            urls, authorizations, form(r"(?i)https?://(?P<value>(?:gh[opsu]_|github_pat_|glpat-)[\w-]{10,200})@")
        ),
    ),
    _kind(detail="a password for a remote", names=".hgrc hgrc", read=any_of(urls, assigned)),
    _kind(
        detail="Subversion keeps a password in it",
        names="????????????????????????????????",
        folder=r"/\.subversion/auth/svn\.(?:simple|ssl)",
        read=holding(b"password"),
    ),
)

"""Files of credentials: where tools keep what opens registries and repositories of packages."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from amigate.detect.credentials.kind import XML, Kind, any_of, form, named
from amigate.detect.hits import Sort
from amigate.detect.values import assigned, urls

if TYPE_CHECKING:
    from collections.abc import Iterator


def _docker(content: bytes) -> Iterator[int]:
    """Take a registry's entry that holds a secret; a helper's name, or an entry without one, is none."""
    try:
        auths = json.loads(content).get("auths", {})
        entries = auths.values() if isinstance(auths, dict) else ()
        held = any(isinstance(each, dict) and _DOCKER & {name for name in each if each[name]} for each in entries)
    except (ValueError, RecursionError, AttributeError):
        yield from assigned(content, "auth|password|identitytoken|registrytoken")
    else:
        if held:
            yield -1


_DOCKER = {"auth", "password", "identitytoken", "registrytoken"}

_kind = partial(Kind, sort=Sort.REGISTRY)

KINDS = (
    _kind(
        detail="a registry's credentials",
        names="config.json",
        folder=r"/\.docker/$|/kubelet/$|/helm/registry/$",
        read=_docker,
    ),
    _kind(detail="a registry's credentials", names="auth.json", folder=r"/containers/(?:\d+/)?$", read=_docker),
    _kind(detail="a registry's credentials", names=".dockercfg", read=named("auth|password")),
    _kind(
        detail="a registry's token or password",
        names=".npmrc npmrc .yarnrc.yml .yarnrc",
        read=any_of(
            urls,
            form(r"(?m)_(?:authToken|auth|password)[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(?P<value>[^\s\"']{1,500})"),
            named("npmAuthToken|npmAuthIdent"),
        ),
    ),
    _kind(detail="an index's password", names=".pypirc", read=named("password|token")),
    _kind(
        detail="an index's password",
        names="pip.conf pip.ini poetry.toml auth.toml uv.toml",
        read=any_of(urls, assigned),
    ),
    _kind(
        detail="a repository's password",
        names="settings.xml settings-security.xml",
        folder=r"/\.m2/$|/maven/conf/$",
        read=form(XML),
    ),
    _kind(
        detail="a registry's token",
        names="credentials",
        folder=r"/\.gem/$",
        read=form(r"(?m)^[ \t]{0,8}:?[\w.:/-]{1,200}:[ \t]{1,8}(?P<value>\S{8,500})"),
    ),
    _kind(detail="a registry's token", names="credentials credentials.toml", folder=r"/\.cargo/$", read=named("token")),
    _kind(
        detail="a registry's token",
        names="auth.json",
        folder=r"composer/$",
        read=form(
            r"(?i)\"(?:password|token|bearer|[\w.-]+\.[a-z]{2,})\"[ \t]{0,8}:[ \t]{0,8}\"(?P<value>[^\"]{4,500})\""
        ),
    ),
    _kind(
        detail="a repository's password",
        names="auth.conf *.conf",
        folder=r"/etc/apt/(?:auth\.conf\.d/)?$",
        read=form(r"(?m)(?:^|[ \t])password[ \t]{1,20}(?P<value>\S{1,500})"),
    ),
    _kind(
        detail="a repository's password",
        names="*.repo *.list *.sources yum.conf dnf.conf repositories *.service",
        folder=r"/etc/(?:yum\.repos\.d|yum|dnf|apt/sources\.list\.d|apt|apk|zypp/(?:repos|services)\.d)/$|^/etc/$",
        read=any_of(urls, named("password|proxy_password")),
    ),
    _kind(detail="a repository's password", names="gradle.properties init.gradle", read=assigned),
    _kind(
        detail="a repository's password",
        names="NuGet.Config nuget.config",
        read=form(r"(?i)key=\"(?:ClearText)?Password\"[ \t]{1,8}value=\"(?P<value>[^\"]{1,500})\""),
    ),
    _kind(detail="a registry's token", names="jfrog-cli.conf*", read=assigned),
)

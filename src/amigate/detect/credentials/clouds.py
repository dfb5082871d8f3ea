"""Files of credentials: where command lines keep what opens clouds other than AWS."""

from __future__ import annotations

from functools import partial

from amigate.detect.credentials.kind import Kind, any_of, filled, holding, named
from amigate.detect.hits import Sort

_kind = partial(Kind, sort=Sort.CLOUD)

KINDS = (
    _kind(
        detail="Google's command line keeps tokens in it",
        names="credentials.db access_tokens.db adc.json",
        folder=r"/gcloud/",
        read=filled,
    ),
    _kind(
        detail="a credential of Google's cloud",
        names="application_default_credentials.json",
        read=named("refresh_token|private_key|client_secret"),
    ),
    _kind(
        detail="Azure's command line keeps tokens in it",
        names="accessTokens.json msal_token_cache.* service_principal_entries.*",
        read=any_of(named("secret|refreshToken|accessToken|client_secret"), holding(b"\0")),
    ),
    _kind(
        detail="a command line's token",
        names="config.yaml config.yml cli.toml config.json config linode-cli .vultr-cli.yaml auth.json hosts.toml",
        folder=r"/(?:doctl|hcloud|scw|\.fly|\.aliyun|\.bluemix|\.config|linode-cli|vultr-cli|exoscale|upcloud|civo|ovh|ibmcloud)/$|^/(?:root|home/[^/]*)/$",
        read=named(
            r"access[-_]token|token|secret[-_]key|access_key_secret|IAMToken|IAMRefreshToken|api-?key|secret|password"
        ),
    ),
    _kind(
        detail="a key of Oracle's cloud, or its passphrase",
        names="config",
        folder=r"/\.oci/$",
        read=named("pass_phrase|security_token"),
    ),
    _kind(
        detail="a password of OpenStack",
        names="clouds.yaml clouds.yml secure.yaml *openrc* *-rc.sh keystonerc*",
        read=named(
            "password|application_credential_secret|token|OS_PASSWORD|OS_TOKEN|OS_APPLICATION_CREDENTIAL_SECRET|OS_CLIENT_SECRET"
        ),
    ),
    _kind(
        detail="Terraform's, Pulumi's or Vault's token",
        names="credentials.tfrc.json .terraformrc credentials.json",
        folder=r"/\.terraform\.d/$|/\.pulumi/$|^/(?:root|home/[^/]*)/$",
        read=named("token|accessToken|access_token|refresh_token"),
    ),
    _kind(detail="Vault's token", names=".vault-token", read=filled),
)

"""Files of credentials: where applications keep their secrets."""

from __future__ import annotations

from functools import partial

from amigate.detect.credentials.kind import ANYWHERE, XML, Kind, any_of, form
from amigate.detect.hits import Sort
from amigate.detect.values import assigned, urls

_XML_KEY = (
    r"(?i)<add\s[^>]{0,200}?(?:key|name)=\"[^\"]{0,100}(?:password|secret|token|api_?key)[^\"]{0,40}\"\s{1,20}"
    r"(?:value|connectionString)=\"(?P<value>[^\"]{1,500})\""
)
_CONNECTION = r"(?i)(?:password|pwd)[ \t]{0,4}=[ \t]{0,4}(?P<value>[^;\"'\s&]{1,200})[;\"']"
_DEFINE = (
    r"(?i)define[ \t]{0,4}\([ \t]{0,4}['\"]\w{0,40}(?:pass(?:word)?|secret|key|salt|token)['\"]"
    r"[ \t]{0,4},[ \t]{0,4}['\"](?P<value>[^'\"]{1,500})['\"]"
)
_HASH = r"(?i)[\"']?password_?hash[\"']?[ \t]{0,8}:[ \t]{0,8}[\"']?\$(?P<value>[\w.$/=,+-]{13,500})"
_KEYS = (
    r"(?i)[\"']?ssh_?authorized_?keys[\"']?[ \t]{0,8}:\s{0,80}[-\[]\s{0,80}[\"']?"
    r"(?P<value>[a-z][\w@.-]{5,40} [\w+/=]{40,2000})"
)
"""As Ignition has it, and Butane in YAML: https://coreos.github.io/ignition/configuration-v3_5/."""
_CODE = partial(assigned, quoted=True)

_kind = partial(Kind, sort=Sort.APP_CONFIG)

KINDS = (
    _kind(
        detail="a secret of an application",
        names=(
            ".env .env.* *.env secrets.yml secrets.yaml secrets.json secrets.toml secrets.env "
            "database.yml parameters.yml application*.yml application*.yaml application*.properties "
            "bootstrap.yml appsettings*.json *.tfvars *.tfvars.json local.xml docker-compose*.yml "
            "docker-compose*.yaml compose.yaml compose.yml config.inc.php"
        ),
        folder=ANYWHERE,
        read=any_of(assigned, urls, form(_CONNECTION)),
    ),
    _kind(
        detail="a secret of an application",
        names=(
            "config.php wp-config.php configuration.php settings.php LocalSettings.php settings*.py "
            "local_settings*.py config.py"
        ),
        folder=ANYWHERE,
        read=any_of(_CODE, form(_DEFINE), urls),
    ),
    _kind(
        detail="a secret of an application",
        names="web.config app.config *.exe.config credentials.xml context.xml server.xml tomcat-users.xml",
        folder=ANYWHERE,
        read=any_of(form(XML), form(_XML_KEY), form(_CONNECTION), form(r"(?i)\spassword=\"(?P<value>[^\"]{1,200})\"")),
    ),
    _kind(
        detail="a secret in Terraform's state",
        names="*.tfstate *.tfstate.backup",
        read=any_of(
            form(
                r"(?i)\"[\w.-]{0,60}(?:password|secret|token|private_key|access_key|"
                r"connection_string)[\w.-]{0,20}\"[ \t]{0,8}:[ \t]{0,8}\""
                r"(?P<value>[^\"]{1,2000})\""
            )
        ),
    ),
    _kind(
        detail="a password's hash, or a key, that Ignition gives every machine",
        names="*.ign *.bu",
        read=any_of(form(_HASH), form(_KEYS)),
    ),
    _kind(
        detail="a password for sending mail",
        names="sasl_passwd .msmtprc msmtprc ssmtp.conf passwd.client .muttrc",
        read=any_of(
            form(
                r"(?im)^(?:password|AuthPass|set[ \t]{1,4}(?:smtp|imap)_pass)[ \t]{0,8}[\s=][ \t]{0,8}[\"']?"
                r"(?P<value>[^\s\"']{1,200})"
            ),
            form(r"(?m)^[^#\s]\S{0,200}[\s:]{1,20}[^\s:]{1,200}:(?P<value>\S{1,200})"),
        ),
    ),
)

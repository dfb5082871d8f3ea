"""sshd's keywords: which there are, which a Match block may set, and how the values of some are read and printed.

From OpenSSH's servconf.c and sshd_config(5); defaults are those of OpenSSH 7.0 and later, without a distribution's
patches. What is not evaluated here is not guessed either."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Reader = Callable[[Sequence[str]], str | None]
"""Takes a line's words; returns the value as `sshd -T` prints it, None where sshd refuses the line."""


@dataclass(frozen=True)
class Keyword:
    """How one keyword is evaluated."""

    read: Reader
    default: tuple[str, ...]
    """As `sshd -T` prints it, a value per line."""
    gathers: bool = False
    """Every line adds its words, each printed on its own; else the first line counts."""


def _choice(**spellings: str) -> Reader:
    named = {name.replace("_", "-"): value for name, value in spellings.items()}

    def read(words: Sequence[str]) -> str | None:
        return named.get(words[0].lower()) if len(words) == 1 else None

    return read


def _word(words: Sequence[str]) -> str | None:
    return words[0] if len(words) == 1 and words[0] else None


def _file(words: Sequence[str]) -> str | None:
    """Read an absolute path or `none`; a relative one depends on where sshd is started."""
    word = _word(words) or ""
    return "none" if word.lower() == "none" else (word if word.startswith("/") else None)


def _number(words: Sequence[str]) -> str | None:
    word = _word(words) or ""
    return str(int(word)) if re.fullmatch(r"\d{1,9}", word, re.ASCII) else None


def _startups(words: Sequence[str]) -> str | None:
    """Read how many may be logging in: `begin:rate:most`, or one number for the first and the last."""
    word = _word(words) or ""
    if re.fullmatch(r"[1-9]\d{0,8}", word, re.ASCII):
        return f"{int(word)}:30:{int(word)}"
    found = re.fullmatch(r"(\d{1,9}):(\d{1,3}):(\d{1,9})", word, re.ASCII)
    if found is None:
        return None
    begin, rate, most = map(int, found.groups())
    return f"{begin}:{rate}:{most}" if begin <= most and 1 <= rate <= 100 else None  # noqa: PLR2004 - per cent


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _time(words: Sequence[str]) -> str | None:
    word = (_word(words) or "").lower()
    if not re.fullmatch(r"(\d{1,6}[smhdw])*\d{0,6}", word, re.ASCII) or not word:
        return None
    return str(sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw]?)", word)))


def _words(words: Sequence[str]) -> str | None:
    return " ".join(words) or None


def _command(words: Sequence[str]) -> str | None:
    text = " ".join(words)
    return text if text.startswith("/") or text.lower() == "none" else None


def _names(words: Sequence[str]) -> str | None:
    return None if any("=" in word for word in words) else _words(words)


_METHODS = {"publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic", "gssapi-keyex"}


def _methods(words: Sequence[str]) -> str | None:
    """Read lists of authentication methods, each with a submethod if it likes; `any` stands alone."""
    known = all(method.partition(":")[0] in _METHODS for word in words for method in word.split(","))
    return (" ".join(words) or None) if known or tuple(words) == ("any",) else None


def _environment(words: Sequence[str]) -> str | None:
    word = _word(words)
    return word.lower() if word and word.lower() in ("yes", "no") else word


_flag = _choice(yes="yes", no="no")
_forwarding = _choice(yes="yes", all="yes", no="no", remote="remote", local="local")
_YES, _NO, _NONE = ("yes",), ("no",), ("none",)

EVALUATED: dict[str, Keyword] = {
    **dict.fromkeys(
        (
            "passwordauthentication",
            "pubkeyauthentication",
            "kbdinteractiveauthentication",
            "strictmodes",
            "allowagentforwarding",
            "permittty",
            "permituserrc",
            "printmotd",
            "printlastlog",
            "tcpkeepalive",
            "x11uselocalhost",
        ),
        Keyword(_flag, _YES),
    ),
    **dict.fromkeys(
        (
            "usepam",
            "usedns",
            "permitemptypasswords",
            "hostbasedauthentication",
            "hostbasedusesnamefrompacketonly",
            "ignoreuserknownhosts",
            "x11forwarding",
            "disableforwarding",
            "streamlocalbindunlink",
            "exposeauthinfo",
        ),
        Keyword(_flag, _NO),
    ),
    **dict.fromkeys(
        ("trustedusercakeys", "revokedkeys", "banner", "chrootdirectory", "authorizedprincipalsfile"),
        Keyword(_file, _NONE),
    ),
    **dict.fromkeys(("authorizedkeyscommanduser", "authorizedprincipalscommanduser"), Keyword(_word, _NONE)),
    **dict.fromkeys(("authorizedkeyscommand", "authorizedprincipalscommand"), Keyword(_command, _NONE)),
    **dict.fromkeys(("allowusers", "denyusers", "allowgroups", "denygroups"), Keyword(_words, (), gathers=True)),
    **dict.fromkeys(("allowtcpforwarding", "allowstreamlocalforwarding"), Keyword(_forwarding, _YES)),
    "permitrootlogin": Keyword(
        _choice(
            yes="yes",
            no="no",
            prohibit_password="without-password",  # noqa: S106 - a keyword's value
            without_password="without-password",  # noqa: S106 - a keyword's value
            forced_commands_only="forced-commands-only",
        ),
        ("without-password",),
    ),
    "acceptenv": Keyword(_names, (), gathers=True),
    "forcecommand": Keyword(_words, _NONE),
    "ignorerhosts": Keyword(_choice(yes="yes", no="no", shosts_only="shosts-only"), _YES),
    "gatewayports": Keyword(_choice(yes="yes", no="no", clientspecified="clientspecified"), _NO),
    "permittunnel": Keyword(_choice(yes="yes", no="no", ethernet="ethernet", point_to_point="point-to-point"), _NO),
    "permituserenvironment": Keyword(_environment, _NO),
    "authorizedkeysfile": Keyword(_words, (".ssh/authorized_keys .ssh/authorized_keys2",)),
    "authenticationmethods": Keyword(_methods, ("any",)),
    "port": Keyword(_number, ("22",), gathers=True),
    "hostkey": Keyword(
        _file, tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("rsa", "ecdsa", "ed25519")), gathers=True
    ),
    "hostcertificate": Keyword(_file, (), gathers=True),
    "logingracetime": Keyword(_time, ("120",)),
    "clientaliveinterval": Keyword(_time, ("0",)),
    "clientalivecountmax": Keyword(_number, ("3",)),
    "maxauthtries": Keyword(_number, ("6",)),
    "maxstartups": Keyword(_startups, ("10:30:100",)),
    "maxsessions": Keyword(_number, ("10",)),
    "x11displayoffset": Keyword(_number, ("10",)),
}

ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "hostdsakey": "hostkey",
    "keepalive": "tcpkeepalive",
}


def _each(names: str) -> frozenset[str]:
    return frozenset(names.split())


_MATCHABLE_TOO = _each(
    "authorizedkeysfile2 casignaturealgorithms challengeresponseauthentication channeltimeout "
    "gssapiauthentication hostbasedacceptedalgorithms hostbasedacceptedkeytypes include ipqos "
    "kerberosauthentication loglevel match permitlisten permitopen pubkeyacceptedalgorithms "
    "pubkeyacceptedkeytypes pubkeyauthoptions rdomain refuseconnection rekeylimit rhostsrsaauthentication "
    "rsaauthentication setenv skeyauthentication streamlocalbindmask unusedconnectiontimeout "
)
_GLOBAL = _each(
    "dsaauthentication hostcertificate hostkey ignoreuserknownhosts logingracetime maxstartups "
    "permituserenvironment "
    "port printlastlog printmotd strictmodes tcpkeepalive usedns usepam "
)
MATCHABLE = EVALUATED.keys() - _GLOBAL | _MATCHABLE_TOO
"""What may stand in a Match block; anything else there keeps sshd from starting."""

KNOWN = frozenset(
    {
        *EVALUATED,
        *ALIASES,
        *_MATCHABLE_TOO,
        *_each(
            "addressfamily afstokenpassing checkmail ciphers compression debianbanner fingerprinthash "
            "gssapicleanupcredentials gssapicleanupcreds gssapienablek5users gssapikexalgorithms "
            "gssapikeyexchange gssapistorecredentialsonrekey gssapistrictacceptorcheck gssusesessionccache "
            "gssapiusesessioncredcache hostkeyagent hostkeyalgorithms kerberosgetafstoken kerberosorlocalpasswd "
            "kerberostgtpassing kerberosticketcleanup kerberosuniqueccache kerberosusekuserok kexalgorithms "
            "keyregenerationinterval listenaddress logverbose macs modulifile "
            "pamauthenticationviakbdint pamservicename permitblacklistedkeys persourcemaxstartups "
            "persourcenetblocksize persourcepenalties persourcepenaltyexemptlist pidfile protocol requiredrsasize "
            "reversemappingcheck rhostsauthentication rsaminsize securitykeyprovider serverkeybits sshdauthpath "
            "sshdsessionpath subsystem syslogfacility uselogin useprivilegeseparation verifyreversemapping "
            "versionaddendum x11maxdisplays xauthlocation "
        ),
    }
)
"""Every keyword of some sshd, with those of Debian's and Red Hat's patches."""

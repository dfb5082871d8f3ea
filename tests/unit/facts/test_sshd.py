"""Reading sshd's files, making up sessions, and the options of a running server."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.check import InconclusiveError, NotApplicableError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Answer, Entry, Kind, Launch, View
from amigate.evidence.questions import Glob
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import sshd_config
from amigate.facts.sshd import NEEDS, PROCESSES, PROGRAM, Sshd
from amigate.facts.sshd_config import Line
from amigate.facts.sshd_sessions import LIMIT, Criterion, Server, command, conditions, criteria, sample, server


def view(files: dict[str, str], *globbed: str) -> View:
    entries = {
        path: Entry(path=path, kind=Kind.FILE, mode=0, uid=0, gid=0, size=0, mtime_s=0, content=text.encode())
        for path, text in files.items()
    }
    return View(entries=entries, globbed=frozenset(globbed))


def rows(found: list[Line]) -> list[tuple[str, int, str, tuple[str, ...], tuple[str, ...]]]:
    return [(line.path.rpartition("/")[2], line.number, line.keyword, line.words, line.match) for line in found]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("UseDNS no", ("usedns", ("no",))),
        ("  \tUseDNS\tno \t\r", ("usedns", ("no",))),
        ("usedns=no", ("usedns", ("no",))),
        ("UseDNS = no", ("usedns", ("no",))),
        ("UseDNS =no", ("usedns", ("no",))),
        ('"UseDNS" "no"', ("usedns", ("no",))),
        ("UseDNS 'no'", ("usedns", ("no",))),
        ("UseDNS no # yes", ("usedns", ("no",))),
        ("Banner /etc/a#b", ("banner", ("/etc/a#b",))),
        ('Banner "/etc/a b"', ("banner", ("/etc/a b",))),
        ("Banner /etc/a\\ b", ("banner", ("/etc/a b",))),
        (r'Banner "a\"b" c\\d \e', ("banner", ('a"b', r"c\d", r"\e"))),
        ("Banner it's", ("banner", ("its",))),
        ('Banner "it\'s"', ("banner", ("it's",))),
        ("Banner \"\" ''", ("banner", ("", ""))),
        ("Match", ("match", ())),
        ("# UseDNS no", None),
        ("   ", None),
        ("", None),
    ],
)
def test_a_line_is_read_as_sshd_reads_it(text: str, expected: tuple[str, tuple[str, ...]] | None) -> None:
    found = [(line.keyword, line.words) for line in sshd_config.lines(view({"/c": text}), "/c")]
    assert found == ([] if expected is None else [expected])


def test_only_a_line_feed_ends_a_line() -> None:
    text = "# a\x0cMatch User x\u2028Match User y\x85Match User z\nUseDNS no\r\nPort 22"
    assert [(line.number, line.keyword) for line in sshd_config.lines(view({"/c": text}), "/c")] == [
        (2, "usedns"),
        (3, "port"),
    ]


def test_includes_are_read_where_they_stand_sorted_and_match_ends_with_its_file() -> None:
    files = {
        "/etc/ssh/sshd_config": "Include d/*.conf\nMatch User a\nInclude /etc/in\nPort 1\nMatch all\nPort 2",
        "/etc/ssh/d/b.conf": "Port 4\n",
        "/etc/ssh/d/a.conf": "Match Address 10.0.0.0/8\nPort 3\n",
        "/etc/in": "Port 5\nMatch Group g\nPort 6\n",
    }
    found = rows(sshd_config.lines(view(files, "/etc/ssh/d/*.conf", "/etc/in")))
    ports = [(file, words[0], match) for file, _, keyword, words, match in found if keyword == "port"]
    assert ports == [
        ("a.conf", "3", ("Address", "10.0.0.0/8")),
        ("b.conf", "4", ()),
        ("in", "5", ("User", "a")),
        ("in", "6", ("User", "a", "Group", "g")),
        ("sshd_config", "1", ("User", "a")),
        ("sshd_config", "2", ("all",)),
    ]


@pytest.mark.parametrize(
    "pattern", ["[ab].conf", r'"a\b.conf"', "~/x.conf", "../x.conf", "/etc/ssh/d/../x", "/not/collected/*.conf"]
)
def test_an_include_that_cannot_be_followed_is_in_doubt(pattern: str) -> None:
    with pytest.raises(InconclusiveError):
        sshd_config.lines(view({sshd_config.MAIN: f"Include {pattern}"}, "/etc/ssh/sshd_config.d/*.conf"))


def test_files_that_include_each_other_come_to_an_end() -> None:
    main = {sshd_config.MAIN: "Include a\n"}
    with pytest.raises(InconclusiveError, match="nested deeper"):
        sshd_config.lines(view({**main, "/etc/ssh/a": "Include a\n"}, "/etc/ssh/a"))
    many = {f"/etc/ssh/f{n}": f"Include f{n + 1} f{n + 1} f{n + 1} f{n + 1}\n" for n in range(12)}
    bomb = view(
        {sshd_config.MAIN: "Include f0\n", **many, "/etc/ssh/f12": "Port 1\n"}, *[f"/etc/ssh/f{n}" for n in range(13)]
    )
    with pytest.raises(InconclusiveError, match="never come to an end"):
        sshd_config.lines(bomb)


def test_a_missing_main_file_or_an_included_one_that_was_not_seen_is_in_doubt() -> None:
    with pytest.raises(InconclusiveError):
        sshd_config.lines(View(absent=frozenset({sshd_config.MAIN})))
    seen = view({sshd_config.MAIN: "Include d/*.conf\n"}, "/etc/ssh/d/*.conf")
    assert sshd_config.lines(seen)
    with pytest.raises(InconclusiveError):
        sshd_config.lines(View(entries=seen.entries, unseen={"/etc/ssh/d/*.conf": "unreadable"}, globbed=seen.globbed))


@pytest.mark.parametrize(
    "words,expected",
    [
        (("all",), [("all", "")]),
        (("User", "a,b", "ADDRESS", "10.0.0.0/8"), [("user", "a,b"), ("address", "10.0.0.0/8")]),
        (("User=a", "Address=1.2.3.4"), [("user", "a"), ("address", "1.2.3.4")]),
        (("User", "=", "a", "LocalPort", "=22"), [("user", "a"), ("localport", "22")]),
        (("Invalid-User", "User", "a"), [("invalid-user", ""), ("user", "a")]),
        (("User",), [("user", "")]),
    ],
)
def test_what_a_match_block_asks(words: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert conditions(words) == expected


def blocks(*matches: str) -> list[Line]:
    return [
        Line(path="/c", number=n, keyword="match", words=tuple(m.split()), match=tuple(m.split()))
        for n, m in enumerate(matches, 1)
    ]


def test_without_a_match_block_one_session_stands_for_all() -> None:
    assert criteria([], ["root", "admin"]) == [Criterion()]
    assert Criterion().subject == "every user, from anywhere"


def test_users_are_told_apart_only_where_a_block_does() -> None:
    assert {each.user for each in criteria(blocks("Address 10.0.0.0/8"), ["root", "admin"])} == {""}
    users = {each.user for each in criteria(blocks("User git,d*,!admin"), ["root", "admin", "deploy"])}
    assert users == {"root", "admin", "deploy", "git"}
    assert {each.user for each in criteria(blocks("Group wheel"), ["root", "admin"])} == {"root", "admin"}


def test_addresses_lie_on_both_sides_of_every_border() -> None:
    found = {each.addr for each in criteria(blocks("Address 10.0.0.0/8,!10.1.0.0/16", "Address 203.0.113.5"), ["root"])}
    for network in ("10.0.", "10.1.", "10.2."):
        assert any(address.startswith(network) for address in found), found
    assert "203.0.113.5" in found
    assert any(address.startswith("203.0.113.") and address != "203.0.113.5" for address in found)
    assert any(":" in address for address in found)


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), min_size=1, max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_every_address_is_like_one_that_is_asked_about(networks: list[tuple[int, int]], address: int) -> None:
    drawn = [IPv4Network((base, bits), strict=False) for base, bits in networks]
    found = criteria(blocks(*(f"Address {each}" for each in drawn)), ["root"])
    asked = [IPv4Address(each.addr) for each in found if ":" not in each.addr]
    wanted = [IPv4Address(address) in each for each in drawn]
    assert any([each in network for network in drawn] == wanted for each in asked)


def test_ports_hosts_and_local_addresses_are_asked_about_in_every_combination() -> None:
    found = criteria(blocks("LocalPort 2222 Host *.org", "LocalAddress 10.0.0.0/8"), ["root"])
    assert {each.lport for each in found} >= {"22", "2222"}
    assert {each.host for each in found} >= {"client.example.com", "a.org"}
    assert len({(each.lport, each.host, each.laddr) for each in found}) == len(found)
    assert all(each.rdomain == "" for each in found)
    assert "rdomain=red" in criteria(blocks("RDomain red"), ["root"])[1].spec


def test_more_sessions_than_can_be_asked_about_are_in_doubt() -> None:
    with pytest.raises(InconclusiveError, match="more kinds"):
        criteria(blocks(*(f"User u{n}" for n in range(LIMIT + 1))), ["root"])


@pytest.mark.parametrize("name", ["a,addr=10.0.0.1", "a b", "a=b", "ü", "a\nb"])
def test_a_name_that_would_change_the_question_is_in_doubt(name: str) -> None:
    with pytest.raises(InconclusiveError):
        criteria(blocks("User root"), ["root", name])


def test_a_session_is_named_in_words() -> None:
    assert Criterion(user="root").subject == "user root from a public address"
    assert (
        Criterion(user="root", addr="10.0.0.7", lport="2222").subject
        == "user root from a private address, local port 2222"
    )
    assert Criterion(addr="127.0.0.1").subject == "every user from loopback"
    assert Criterion(lport="2222").subject == "every user, local port 2222"


def test_wildcards_are_filled_in() -> None:
    assert [sample(each) for each in ("*.org", "10.1?.0.*", "a?c", "x")] == ["a.org", "10.11.0.1", "aac", "x"]


def process(line: str, exe: str = "/usr/sbin/sshd") -> bytes:
    return f"{exe}\n\1{line}\2".encode()


INSTANCE_CONNECT = (
    "-o AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %u %f "
    "-o AuthorizedKeysCommandUser ec2-instance-connect"
)
KEY_COMMAND = (
    *("-o", "AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %u %f"),
    *("-o", "AuthorizedKeysCommandUser ec2-instance-connect"),
)


@pytest.mark.parametrize(
    "line,options",
    [
        ("/usr/sbin/sshd\0-D\0", ()),
        ("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups\0\0", ()),
        ("sshd: /usr/sbin/sshd -D -f /etc/other [listener] 0 of 10-100 startups\0", ("-f", "/etc/other")),
        ("/usr/sbin/sshd\0-f\0/etc/other\0", ("-f", "/etc/other")),
        ("/usr/sbin/sshd\0-f/etc/other\0", ("-f", "/etc/other")),
        ("/usr/sbin/sshd\0-Df\0/etc/other\0", ("-f", "/etc/other")),
        ("/usr/sbin/sshd\0-Def/etc/other\0", ("-f", "/etc/other")),
        ("/usr/sbin/sshd\0-o\0PasswordAuthentication yes\0", ("-o", "PasswordAuthentication yes")),
        ("/usr/sbin/sshd\0-oPasswordAuthentication=yes\0-p2222\0", ("-o", "PasswordAuthentication=yes", "-p", "2222")),
        ("/usr/sbin/sshd\0-E\0/var/log/f\0-u0\0-h\0/key\0", ("-h", "/key")),
        ("sshd: /usr/sbin/sshd -D -o A=b [listener] 1 of 10\0", ("-o", "A=b")),
        (f"sshd: /usr/sbin/sshd -D {INSTANCE_CONNECT} [listener] 0 of 10-100 startups\0", KEY_COMMAND),
    ],
)
def test_the_options_of_a_running_server_are_kept(line: str, options: tuple[str, ...]) -> None:
    assert server(process(line)) == Server("/usr/sbin/sshd", options)


@pytest.mark.parametrize(
    "line",
    [
        "/usr/sbin/sshd\0-f\0relative\0",
        "/usr/sbin/sshd\0-X\0",
        "/usr/sbin/sshd\0--config\0",
        "/usr/sbin/sshd\0stray\0",
        "/usr/sbin/sshd\0-\0",
        "sshd: /usr/sbin/sshd -o PasswordAuthentication yes [listener] 0 of 10\0",
        "sshd: /usr/sbin/sshd -o AuthorizedKeysCommand /x %u [listener] 0 of 10\0",
        f"sshd: /usr/sbin/sshd {INSTANCE_CONNECT} -o PasswordAuthentication=no [listener] 0 of 10\0",
        f"sshd: /usr/sbin/sshd {INSTANCE_CONNECT.replace('%f', '-f /etc/clean')} [listener] 0 of 10\0",
        "/usr/sbin/sshd\0-o\0Include /etc/x\0",
        "/usr/sbin/sshd\0-oMatch user=x\0",
    ],
)
def test_options_that_cannot_be_told_are_in_doubt(line: str) -> None:
    with pytest.raises(InconclusiveError):
        server(process(line))


def test_what_is_kept_of_instance_connects_options_is_all_of_them() -> None:
    said = process(f"sshd: /usr/sbin/sshd -D {INSTANCE_CONNECT} [listener] 0 of 10-100 startups\0")
    kept = Redactor().answer(Answer(command="", exit_code=0, stdout=said, stderr=b""), Keep.SSHD_PROCESSES)
    assert server(kept.stdout) == Server("/usr/sbin/sshd", KEY_COMMAND)


def test_several_servers_are_one_only_if_they_run_alike() -> None:
    plain = process("/usr/sbin/sshd\0-D\0")
    assert server(plain + process("sshd: /usr/sbin/sshd -D [listener] 0 of 1\0")) == Server("/usr/sbin/sshd", ())
    for other in (process("/usr/sbin/sshd\0-f\0/etc/b\0"), process("/opt/sshd\0-D\0", "/opt/ssh/sbin/sshd")):
        with pytest.raises(InconclusiveError, match="several sshd"):
            server(plain + other)


def test_who_serves_a_session_or_is_no_sshd_does_not_listen() -> None:
    session = process("sshd: admin [priv]\0") + process("sshd-session: admin\0", "/usr/lib/openssh/sshd-session")
    grep = process("grep\0-l\0sshd\0", "/usr/bin/grep")
    assert server(session + grep) is None
    assert server(b"") is None
    assert server(process("/usr/sbin/sshd\0-D\0", "/usr/sbin/sshd (deleted)")) == Server("/usr/sbin/sshd", ())


def test_the_server_that_runs_is_asked_and_not_the_one_that_is_installed(kit: Any) -> None:
    image = kit.Image()
    other = command("/opt/ssh/sbin/sshd", ["-f", "/opt/ssh/etc/sshd_config"], Criterion())
    text = "".join(f"{name} {value}\n" for name, value in {**kit.EFFECTIVE, "passwordauthentication": "yes"}.items())
    image.answers = {
        PROCESSES.key: kit.said(
            process("/opt/ssh/sbin/sshd\0-f\0/opt/ssh/etc/sshd_config\0", "/opt/ssh/sbin/sshd").decode()
        ),
        other: kit.said(text),
    }
    image.keys = {"/opt/ssh/etc/sshd_config": "\nPasswordAuthentication yes\n"}
    found = Sshd.read(image.inside(Launch.A)).sessions_where("passwordauthentication", is_not="no")
    assert [(each.path, each.line) for each in found] == [("/opt/ssh/etc/sshd_config", 2)]


def test_no_server_is_not_applicable_only_to_somebody_who_looked(kit: Any) -> None:
    image = kit.Image(answers={PROGRAM.key: kit.said(""), PROCESSES.key: kit.said("")})
    with pytest.raises(NotApplicableError):
        Sshd.read(image.inside(Launch.A))
    image.answers = {PROGRAM.key: None, PROCESSES.key: kit.said("")}
    with pytest.raises(InconclusiveError):
        Sshd.read(image.inside(Launch.A))
    image.answers = {PROGRAM.key: kit.said(""), PROCESSES.key: None}
    with pytest.raises(InconclusiveError):
        Sshd.read(image.inside(Launch.A))


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(InconclusiveError):
        criteria(sshd_config.lines(view({"/c": text}), "/c"), ["root"])
    with suppress(InconclusiveError):
        sshd_config.includes(text)


@given(st.binary(max_size=200))
def test_no_process_list_breaks_the_reader(processes: bytes) -> None:
    with suppress(InconclusiveError):
        server(processes)


def test_an_include_of_a_file_that_is_known_already_is_followed_all_the_same(kit: Any) -> None:
    """As where the first round has read all drop-ins, and the main file names one of them."""
    drop_in = "/etc/ssh/sshd_config.d/50-x.conf"
    image = kit.Image(config=f"Include {drop_in}\n", keys={drop_in: "UseDNS no\n"})
    view = image.inside(Launch.A)
    assert NEEDS.then is not None
    assert Glob(drop_in, Keep.SSHD_CONFIG) in list(NEEDS.then(view))
    assert Sshd.read(replace(view, globbed=view.globbed | {drop_in})).lines[-1].path == drop_in

from __future__ import annotations

from importlib.resources import files

import pytest

from amigate.errors import UsageError
from amigate.harden.step import PACKAGE, all_steps, choose, step

KNOWN = {
    "account-only-root-has-uid-zero",
    "account-aging-keeps-key-login",
    "account-default-user-accepts-keys",
    "account-no-empty-passwords",
    "account-no-hash-behind-lock",
    "account-no-usable-password-hash",
    "account-root-has-no-usable-password",
    "account-shadow-backups-without-hashes",
    "boot-default-user-becomes-root",
    "boot-earlier-launch-key-absent",
    "boot-host-keys-unique-per-launch",
    "boot-identities-unique-per-launch",
    "boot-without-key-no-password-path",
    "cloud-init-no-instance-data-left",
    "disk-free-space-clean",
    "disk-no-recoverable-secrets",
    "key-live-only-launch-key",
    "key-no-authorized-keys-at-rest",
    "key-no-builder-signature-keys",
    "key-no-host-keys-at-rest",
    "key-no-user-private-keys",
    "residue-logs-cleared",
    "residue-machine-id-reset",
    "residue-random-seed-removed",
    "residue-temp-directories-empty",
    "secret-no-histories",
    "ssh-config-parses",
    "ssh-match-blocks-evaluated",
    "ssh-no-dns-checks",
    "ssh-no-empty-passwords",
    "ssh-no-keyboard-interactive-login",
    "ssh-no-password-login",
    "ssh-no-root-password-login",
    "ssh-no-unknown-key-sources",
    "ssh-offers-no-password-method",
    "ssh-public-key-login-enabled",
}
"""Ids of the rule catalogue, not all of which are checks yet."""


def test_the_steps_come_in_their_declared_order() -> None:
    assert [one.name for one in all_steps()] == ["keys", "sshd", "accounts", "residue", "disk"]


def test_every_step_meets_known_rules_and_says_why() -> None:
    for one in all_steps():
        assert set(one.meets) <= KNOWN, one.name
        assert one.title
        assert one.rationale


BY_HAND = {
    ("disk", "disk-no-encrypted-filesystems"),
    *(
        ("keys", rule)
        for rule in (
            "key-no-cluster-dns-gpg-secrets",
            "key-no-shared-tls-keys",
            "key-no-vpn-keys",
            "key-ssh-client-files-reveal-nothing",
            "ssh-host-key-paths-per-boot",
        )
    ),
    *(
        ("residue", rule)
        for rule in (
            "residue-no-agent-state",
            "residue-no-build-tools",
            "residue-no-builder-host-identity",
            "residue-no-editor-backups",
            "residue-no-installer-files",
            "residue-no-package-history",
            "residue-no-subscriptions",
            "residue-spools-empty",
        )
    ),
    *(
        ("sshd", rule)
        for rule in (
            "ssh-file-modes-tight",
            "ssh-forwarding-disabled",
            "ssh-login-limits-set",
            "ssh-no-host-based-trust",
            "ssh-no-other-servers",
            "ssh-no-weak-algorithms",
            "ssh-port-matches-declaration",
            "ssh-strict-modes-no-user-environment",
        )
    ),
    *(
        ("accounts", rule)
        for rule in (
            "account-no-autologin",
            "account-no-unexpected-login-users",
            "account-pam-not-weakened",
            "account-remote-identity-backends-clean",
            "account-sudo-rules-expected",
            "account-system-accounts-cannot-login",
        )
    ),
}
"""What no step does: the host key that a session knows would change under it, which server, account or module is the
right one, and what is a matter of taste."""


def test_a_step_that_a_check_names_as_its_remedy_meets_it() -> None:
    from amigate.judge import catalogue  # noqa: PLC0415 - needs the checks

    met = {(one.name, rule) for one in all_steps() for rule in one.meets}
    names = {one.name for one in all_steps()}
    asked = {(one.remedy, one.id) for one in catalogue.checks().values() if one.remedy in names}
    assert asked - met == BY_HAND


def test_a_step_that_the_seal_completes_says_so() -> None:
    ending = ".seal.sh.j2"
    sealed = {path.name.removesuffix(ending) for path in files(PACKAGE).iterdir() if path.name.endswith(ending)}
    assert {one.name for one in all_steps() if one.needs_seal} == sealed > {"disk"}


def test_only_and_skip_choose_in_the_declared_order() -> None:
    steps = all_steps()
    assert [one.name for one in choose(steps, only=["sshd", "keys"])] == ["keys", "sshd"]
    assert [one.name for one in choose(steps, skip=["residue"])] == ["keys", "sshd", "accounts", "disk"]


def test_an_unknown_step_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="no step 'ssh'") as error:
        choose(all_steps(), only=["ssh"])
    assert error.value.hint == "did you mean sshd?"


def test_leaving_no_step_over_is_refused() -> None:
    with pytest.raises(UsageError, match="no step is left"):
        choose(all_steps(), only=["sshd"], skip=["sshd"])


def test_a_step_without_a_docstring_or_a_rule_is_refused() -> None:
    def silent(builder: object) -> None: ...

    with pytest.raises(ValueError, match="docstring"):
        step("silent", meets=["ssh-config-parses"])(silent)

"""The questions as an Ansible playbook in check mode, as far as its modules can ask them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "suite"))
import questions as q

CONFIG = """\
[defaults]
host_key_checking = False
gathering = explicit
interpreter_python = /usr/bin/python3
remote_user = admin
[privilege_escalation]
become = True
[ssh_connection]
pipelining = True
ssh_args = -F {folder}/ssh -o ControlMaster=auto -o ControlPersist=60 -o ControlPath={folder}/cm-%C
"""


def text(address: str, port: int) -> str:
    """Return the playbook; JSON is YAML."""
    tasks = [*_files(), *_sshd(), *_packages(), *_accounts(), *_rest(address, port)]
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}], indent=1)


def _command(line: str, register: str) -> dict[str, Any]:
    return {
        "ansible.builtin.shell": line,
        "register": register,
        "changed_when": False,
        "check_mode": False,
    }


def _assert(*conditions: str) -> dict[str, Any]:
    return {"ansible.builtin.assert": {"that": list(conditions)}}


def _files() -> list[dict[str, Any]]:
    keys = [(f"/etc/ssh/ssh_host_{k}_key{end}", "root", "root", mode)
            for k in q.HOST_KEYS for end, mode in (("", 0o600), (".pub", 0o644))]  # fmt: skip
    wanted = [
        {"ansible.builtin.file": {"path": path, "owner": user, "group": group, "mode": f"{mode:04o}"}}
        for path, user, group, mode in (*q.FILES, *keys)
    ]
    gone = [{"ansible.builtin.file": {"path": path, "state": "absent"}} for path in q.ABSENT]
    return [*wanted, *gone]


def _sshd() -> list[dict[str, Any]]:
    conditions = [f"'{option} {value}' in sshd.stdout_lines" for option, value in q.SSHD]
    return [_command("sshd -T", "sshd"), *map(_assert, conditions), _command("sshd -t", "valid")]


def _packages() -> list[dict[str, Any]]:
    there = [_assert(f"'{name}' in ansible_facts.packages") for name in q.INSTALLED]
    return [{"ansible.builtin.package_facts": {}}, *there,
            *(_assert(f"'{name}' not in ansible_facts.packages") for name in q.NOT_INSTALLED)]  # fmt: skip


def _accounts() -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = [{"ansible.builtin.getent": {"database": name}} for name in ("passwd", "shadow")]
    tasks += [
        _assert(f"getent_passwd['{name}'] | map('string') | list | last == '{shell}'") for name, *_, shell in q.USERS
    ]
    tasks += [_assert(f"getent_shadow['{name}'][0][:1] in '!*'") for name in q.LOCKED]
    return tasks


def _rest(address: str, port: int) -> list[dict[str, Any]]:
    tasks = [_command(f"sysctl -n {key}", "value") for key in q.SYSCTLS]
    tasks += [_command(f"grep -qF '{text}' {path}", "found") for path, text in q.CONTAINS]
    lines = (
        f"ss -Htln | grep -F ' {address}:{port} '",
        "[ \"$(awk -F: '$3 == 0' /etc/passwd | wc -l)\" = 1 ]",
        "! grep -q '^[^:]*::' /etc/shadow",
        "! find /root/.ssh /home/*/.ssh -name authorized_keys -perm /077 2>/dev/null | grep .",
        "find /usr/bin -xdev -type f -perm /6000 | grep -x /usr/bin/sudo",
        "! find /etc -xdev -type f -perm -0002 | grep .",
        "[ -s /etc/machine-id ]",
        "ps -Aww -o comm= | grep -x sshd",
    )
    return [*tasks, *(_command(line, "found") for line in lines)]

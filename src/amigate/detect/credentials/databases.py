"""Files of credentials: where passwords of databases are kept."""

from __future__ import annotations

from functools import partial

from amigate.detect.credentials.kind import Kind, any_of, filled, form
from amigate.detect.hits import Sort
from amigate.detect.values import assigned

_kind = partial(Kind, sort=Sort.DATABASE)

KINDS = (
    _kind(
        detail="a password of a database",
        names=".my.cnf .mytop my.cnf *.cnf",
        folder=r"^/(?:etc|root|home/[^/]*|srv|opt|var/lib|usr/local)/(?!.*/?ssl/)",
        read=form(
            r"(?im)^[ \t]{0,20}(?:password|passwd|wsrep_sst_auth|master-password)[ \t]{0,8}=[ \t]{0,8}[\"']?"
            r"(?P<value>[^\s\"'#]{1,200})"
        ),
    ),
    _kind(detail="MySQL keeps passwords in it", names=".mylogin.cnf", read=filled),
    _kind(
        detail="a password of a database",
        names=".pgpass pgpass pgpass.conf",
        read=form(r"(?m)^(?:[^:\n#]{1,200}:){4}(?P<value>[^\n]{1,200})$"),
    ),
    _kind(
        detail="a password of a database",
        names=".pg_service.conf pg_service.conf .odbc.ini odbc.ini .tnsnames.ora mssql.conf",
        read=assigned,
    ),
    _kind(
        detail="a password or its hash for a pool of connections",
        names="userlist.txt",
        folder=r"pgbouncer",
        read=form(r"(?m)^\"[^\"\n]{1,100}\"[ \t]{1,8}\"(?P<value>[^\"\n]{1,500})\""),
    ),
    _kind(
        detail="a password of Redis",
        names="redis*.conf valkey*.conf sentinel*.conf",
        read=form(
            r"(?im)^[ \t]{0,8}(?:requirepass|masterauth|"
            r"sentinel[ \t]{1,4}auth-pass[ \t]{1,4}\S{1,100})[ \t]{1,8}[\"']?"
            r"(?P<value>[^\s\"']{1,500})"
        ),
    ),
    _kind(
        detail="users of Redis with passwords",
        names="users.acl",
        read=form(r"(?m)^user\s[^\n]{0,1000}?\s[>#](?P<value>\S{1,200})"),
    ),
    _kind(
        detail="a key that members of MongoDB share",
        names="*mongo*keyfile* *mongo*.key keyfile mongo-key* mongodb-keyfile",
        folder=r"^/(?:etc|srv|opt|data|root|home|var/lib/mongo)",
        read=filled,
    ),
    _kind(detail="a cookie that all nodes of Erlang share", names=".erlang.cookie", read=filled),
    _kind(
        detail="a password of a database",
        names="proxysql.cnf mysql-*.cf pgsql-*.cf mysql*.cf pgsql*.cf debian-db.php config-db.php",
        read=any_of(assigned, form(r"(?im)^[ \t]{0,8}password[ \t]{0,8}=[ \t]{0,8}(?P<value>\S{1,200})")),
    ),
    _kind(
        detail="a password of a database",
        names="local.ini",
        folder=r"couchdb",
        read=form(r"(?im)^[ \t]{0,8}admin[ \t]{0,8}=[ \t]{0,8}(?P<value>[^-\s]\S{0,200})"),
    ),
)

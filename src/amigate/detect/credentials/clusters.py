"""Files of credentials: where clusters, DNS and OpenPGP keep their secrets."""

from __future__ import annotations

from functools import partial

from amigate.detect.credentials.kind import Kind, any_of, filled, form, holding, named
from amigate.detect.hits import Sort

_kind = partial(Kind, sort=Sort.CLUSTER)

KINDS = (
    _kind(
        detail="a key or token for a cluster",
        names="config *kubeconfig* *.kubeconfig *.conf k3s.yaml rke2.yaml *.config",
        folder=r"/\.kube/$|/etc/kubernetes/(?:.*/)?$|/kubelet/$|/rancher/|^/(?:root|home/[^/]*)/$",
        read=form(
            r"(?m)^[ \t]{0,40}-?[ \t]{0,8}\"?(?:client-key-data|token|password)\"?:[ \t]{1,8}[\"']?"
            r"(?P<value>[^\s\"']{8,20000})"
        ),
    ),
    _kind(
        detail="a token of k3s or RKE2",
        names="token node-token agent-token password bootstrap-token",
        folder=r"/(?:k3s|rke2|rancher)/(?:.*/)?$",
        read=filled,
    ),
    _kind(
        detail="a token of a cluster",
        names="config.yaml",
        folder=r"/rancher/(?:k3s|rke2)/$",
        read=named("token|agent-token"),
    ),
    _kind(
        detail="a key for the server of DNS",
        names="rndc.key rndc.conf named.conf* *.key tsig* bind.keys.local keys.conf",
        folder=r"^/etc/(?:.*/)?$|/named/|/bind/",
        read=form(r"(?i)\bsecret[ \t]{1,8}\"?(?P<value>[A-Za-z0-9+/]{16,200}={0,2})\"?[ \t]{0,8};"),
    ),
    _kind(detail="a key of DNSSEC", names="K*.private", read=holding(b"Private-key-format")),
    _kind(detail="a secret key of OpenPGP", names="*.key *.gpg", folder=r"private-keys-v1\.d/$", read=filled),
    _kind(detail="a secret keyring of OpenPGP", names="secring.gpg", read=filled),
    _kind(
        detail="a key that members of a cluster share",
        names="*.hcl *.json authkey corosync.authkey local.keyring docker-state.json",
        folder=r"/(?:consul(?:\.d)?|nomad(?:\.d)?|corosync|pacemaker|serf)/(?:.*/)?$",
        read=any_of(
            form(r"\"?encrypt\"?[ \t]{0,8}[:=][ \t]{0,8}\"(?P<value>[A-Za-z0-9+/]{16,64}={0,2})\""), holding(b"\0")
        ),
    ),
    _kind(
        detail="a key of Ceph",
        names="*.keyring",
        folder=r"/ceph/",
        read=form(r"(?m)^[ \t]{0,8}key[ \t]{0,4}=[ \t]{0,4}(?P<value>[A-Za-z0-9+/]{20,100}={0,2})"),
    ),
)

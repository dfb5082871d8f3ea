"""Files of credentials: where VPNs, overlay networks and wireless networks keep their keys."""

from __future__ import annotations

from functools import partial

from amigate.detect.credentials.kind import Kind, any_of, filled, form, holding, named
from amigate.detect.hits import Sort

_kind = partial(Kind, sort=Sort.VPN)

KINDS = (
    _kind(
        detail="a key of WireGuard",
        names="*.conf *.netdev *.key *.private privatekey private.key",
        folder=r"/(?:wireguard|systemd/network|amnezia|wg[^/]*)/(?:.*/)?$",
        read=any_of(
            form(r"(?im)^[ \t]{0,8}(?:PrivateKey|PresharedKey)[ \t]{0,8}=[ \t]{0,8}(?P<value>[A-Za-z0-9+/]{43}=)"),
            form(r"^[ \t]{0,8}(?P<value>[A-Za-z0-9+/]{43}=)[ \t]{0,8}$"),
        ),
    ),
    _kind(
        detail="a static key of OpenVPN",
        names="*.key *.conf *.ovpn *.txt",
        folder=r"openvpn",
        read=form(
            r"-----BEGIN OpenVPN (?:Static key V1|tls-crypt-v2 \w{1,10} key)-----"
            r"\s{1,4}(?P<value>[0-9A-Za-z+/=]{16,100})"
        ),
    ),
    _kind(
        detail="OpenVPN's user and password",
        names="auth* *auth.txt *.auth *pass* *cred* *login* *.up",
        folder=r"openvpn",
        read=form(r"\A[^\s#]{1,200}\r?\n(?P<value>[^\s#][^\r\n]{1,200})\r?\n?\s{0,20}\Z"),
    ),
    _kind(
        detail="a secret of IPsec",
        names="ipsec.secrets *.secrets",
        folder=r"^/etc/(?:ipsec\.d/|strongswan/|libreswan/)?$",
        read=form(
            r"(?m)^[^#\n]{0,200}:[ \t]{0,8}(?:PSK|XAUTH|EAP|RSA|ECDSA|P12|PIN|NTLM)[ \t]{1,8}"
            r"(?P<value>[^\s#][^\n]{0,2000})"
        ),
    ),
    _kind(
        detail="a secret of IPsec",
        names="*.conf",
        folder=r"/swanctl/",
        read=form(r"(?m)^[ \t]{0,40}(?:secret|pin)[ \t]{0,8}=[ \t]{0,8}(?P<value>\S{1,500})"),
    ),
    _kind(detail="state of Tailscale", names="tailscaled.state", read=holding(b"Key")),
    _kind(detail="an identity of ZeroTier", names="identity.secret authtoken.secret", read=filled),
    _kind(
        detail="a key of NetBird",
        names="config.json default.json",
        folder=r"/netbird/",
        read=named("PrivateKey|PreSharedKey|SSHKey"),
    ),
    _kind(
        detail="a credential of a tunnel of Cloudflare",
        names="*.json cert.pem",
        folder=r"/\.?cloudflared/$",
        read=any_of(holding(b"TunnelSecret"), holding(b"ARGO TUNNEL TOKEN")),
    ),
    _kind(
        detail="a key of tinc or Nebula",
        names="rsa_key.priv ed25519_key.priv *.key",
        folder=r"/(?:tinc|nebula)/",
        read=filled,
    ),
    _kind(
        detail="a password of a network",
        names="*.nmconnection wpa_supplicant*.conf *.psk chap-secrets pap-secrets",
        folder=r"/(?:system-connections|wpa_supplicant|iwd|ppp)/$",
        read=any_of(
            form(
                r"(?im)^[ \t]{0,8}(?:psk|password|private-key|wep-key\d|leap-password|PreSharedKey|"
                r"Passphrase)[ \t]{0,4}=[ \t]{0,4}\"?"
                r"(?P<value>[^\s\"]{1,500})"
            ),
            form(r"(?m)^[^#\s]\S{0,100}[ \t]{1,20}\S{1,100}[ \t]{1,20}[\"']?(?P<value>[^\s\"']{1,200})"),
        ),
    ),
)

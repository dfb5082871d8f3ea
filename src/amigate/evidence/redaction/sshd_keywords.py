"""The keywords of sshd_config(5): OpenSSH's from 2.0 to 10.0, and those that Debian, Fedora and FreeBSD add.

A setting whose keyword is not among them is not kept: what sshd does not know may be anything."""

from __future__ import annotations

KEYWORDS = frozenset(
    """
    acceptenv addressfamily afstokenpassing allowagentforwarding allowgroups allowstreamlocalforwarding
    allowtcpforwarding allowusers authenticationmethods authorizedkeyscommand authorizedkeyscommandrunas
    authorizedkeyscommanduser authorizedkeysfile authorizedkeysfile2 authorizedprincipalscommand
    authorizedprincipalscommanduser authorizedprincipalsfile banner canonicaldomains casignaturealgorithms
    challengeresponseauthentication channeltimeout checkmail chrootdirectory ciphers clientalivecountmax
    clientaliveinterval compression debianbanner denygroups denyusers dhgexmodsize disableforwarding
    dsaauthentication exposeauthenticationmethods exposeauthinfo fingerprinthash fipsmode forcecommand
    gatewayports gssapiauthentication gssapicleanupcredentials gssapicleanupcreds gssapienablek5users
    gssapikexalgorithms gssapikeyexchange gssapistorecredentialsonrekey gssapistrictacceptorcheck
    gssapiusesessioncredcache gssusesessionccache hostbasedacceptedalgorithms hostbasedacceptedkeytypes
    hostbasedalgorithms hostbasedauthentication hostbasedusesnamefrompacketonly hostcertificate hostdsakey
    hostkey hostkeyagent hostkeyalgorithms ignorerhosts ignoreunknown ignoreuserknownhosts include ipqos
    kbdinteractiveauthentication keepalive kerberosauthentication kerberosgetafstoken kerberosorlocalpasswd
    kerberostgtpassing kerberosticketcleanup kerberosuniqueccache kerberosusekuserok kexalgorithms
    keyregenerationinterval listenaddress logingracetime loglevel logverbose macs match maxauthtries maxsessions
    maxstartups modulifile noneenabled nonemacenabled pamauthenticationviakbdint pamservicename
    passwordauthentication permitblacklistedkeys permitemptypasswords permitlisten permitopen permitrootlogin
    permittty permittunnel permituserenvironment permituserrc persourcemaxstartups persourcenetblocksize
    persourcepenalties persourcepenaltyexemptlist pidfile port printlastlog printmotd protocol
    pubkeyacceptedalgorithms pubkeyacceptedkeytypes pubkeyauthentication pubkeyauthoptions rdomain
    refuseconnection rekeylimit requiredrsasize reversemappingcheck revokedkeys rhostsauthentication
    rhostsrsaauthentication rsaauthentication rsaminsize securitykeyprovider serverkeybits setenv showpatchlevel
    skeyauthentication sshdauthpath sshdsessionpath streamlocalbindmask streamlocalbindunlink strictmodes
    subsystem syslogfacility tcpkeepalive tcprcvbufpoll trustedusercakeys unusedconnectiontimeout useblacklist
    useblocklist usedns uselogin usepam useprivilegeseparation verifyreversemapping versionaddendum
    x11displayoffset x11forwarding x11maxdisplays x11uselocalhost xauthlocation
    """.split()  # noqa: SIM905 - one keyword a line would be two hundred lines
)

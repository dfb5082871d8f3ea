"""The keys of cloud-init's configuration that are kept, and the names of its modules.

A key that is not among them becomes a placeholder: what cloud-init does not know may be anything.
https://cloudinit.readthedocs.io/en/latest/reference/modules.html"""

from __future__ import annotations

_NAMES = """
    ansible apk-configure apt-configure apt-pipelining bootcmd byobu ca-certs chef disable-ec2-metadata disk-setup
    emit-upstart emit_upstart fan final-message foo growpart grub-dpkg install-hotplug keyboard keys-to-console
    landscape locale lxd mcollective migrator mounts ntp package-update-upgrade-install phone-home power-state-change
    puppet raspberry-pi refresh-rmc-and-interface reset-rmc resizefs resolv-conf rh-subscription rightscale_userdata
    rsyslog runcmd salt-minion scripts-per-boot scripts-per-instance scripts-per-once scripts-user scripts-vendor
    seed_random set-passwords set_hostname snap spacewalk ssh ssh-authkey-fingerprints ssh-import-id swap timezone
    ubuntu-advantage ubuntu_autoinstall ubuntu_drivers ubuntu_pro update_etc_hosts update_hostname users-groups
    wireguard write-files write-files-deferred yum-add-repo zypper-add-repo
    """.split()  # noqa: SIM905 - one name a line would be a hundred lines
MODULES = (
    *_NAMES,
    *(name.replace("-", "_") for name in _NAMES),
    *(name.replace("_", "-") for name in _NAMES),
)
"""Blanks in their names are written in both ways."""

KEYS = frozenset(
    """
    allow_public_ssh_keys allow_userdata ansible apk_repos apply_full_imds_data apply_network_config apt
    apt_get_command apt_get_wrapper apt_pipelining apt_reboot_if_required apt_update apt_upgrade arches authkey
    authkey_hash autoinstall Azure bootcmd ca-certs ca_certs chef chpasswd cloud_config_modules cloud_dir
    cloud_final_modules cloud_init_modules conf conf_d config ConfigDrive content create_groups
    create_hostname_file data datasource datasource_list debconf_selections def_log_file default default_user
    defaults defer device_aliases disable_ec2_metadata disable_root disable_root_opts disable_suites disk_setup
    distro dns doas drivers Ec2 ecdsa_certificate ecdsa_private ecdsa_public ed25519_certificate ed25519_private
    ed25519_public emit_keys_to_console enabled encoding expire expiredate failsafe fallback fan filename
    filesystem final_message fqdn fs_setup GCE gecos groups growpart grub_dpkg hashed_passwd homedir hostname
    hotplug id ignore_growroot_disabled inactive install_hotplug key keyboard keyid keys keyserver landscape list
    local-hostname locale locale_configfile lock-passwd lock_passwd log_cfgs logcfg LXD lxd MAAS manage_etc_hosts
    manage_resolv_conf manual_cache_clean max_wait mcollective merge_how merge_type meta-data metadata
    metadata_urls mirrors mode mount_default_fields mounts name network network-config network_dir no_create_home
    no_log_init no_ssh_fingerprints no_user_group NoCloud None ntp ntp_client OpenStack Oracle output OVF owner
    package_mirrors package_reboot_if_required package_update package_upgrade packages passphrase passwd password
    path paths permissions phone_home plain_text_passwd policy pool post power_state prefer_fqdn_over_hostname
    preserve_hostname primary primary_group private_key public_keys puppet random_seed renderers repo_upgrade
    repo_upgrade_exclude reporting resize_rootfs resolv_conf rh_subscription root rsa_certificate rsa_private
    rsa_public rsyslog run_dir runcmd salt_minion search secret secrets security seedfrom selinux_user servers
    shell size skip_users snap snappy source sources sources_list spacewalk ssh ssh-authorized-keys ssh-import-id
    ssh_authorized_keys ssh_deletekeys ssh_fp_console_blacklist ssh_genkeytypes ssh_import_id
    ssh_key_console_blacklist ssh_keys ssh_publish_hostkeys ssh_pwauth ssh_quiet_keygen ssh_redirect_user
    ssh_svcname strict_id sudo swap syslog_fix_perms system system_info templates_dir text timeout timezone token
    trusted type ubuntu_advantage ubuntu_pro uid unverified_modules updates upgrade uri url user user-data
    user_data userdata username users validation_key vendor_data vendor_data2 VMware wireguard write_files
    yum_repo_dir yum_repos zypper
    """.split()  # noqa: SIM905 - one key a line would be three hundred lines
)

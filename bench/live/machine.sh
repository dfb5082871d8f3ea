# A machine to ask, made of this machine's own files, none of which change: run in an empty folder, in a mount and a
# process namespace of its own. Needs KEY (a public key) and ADDRESS; user `admin` with sudo, sshd on port 22 or $PORT.
set -e
mount -t tmpfs none .
cd "$PWD"
mkdir up work root
mount -t overlay none -o lowerdir=/,upperdir=up,workdir=work root
mount -t proc proc root/proc
mount -t tmpfs run root/run
mount --rbind /dev root/dev
mount -t tmpfs shm root/dev/shm
mount -t tmpfs tmp root/tmp
chmod 1777 root/tmp root/dev/shm
mount -t tmpfs -o mode=700 home root/root # an image's root has not what somebody who builds things here has
cd root
mkdir -p run/sshd
rm -rf etc/ssh/sshd_config.d etc/ssh/ssh_host_* root/.ssh root/.bash_history root/.aws root/.netrc
for kind in rsa ecdsa ed25519; do
  chroot . ssh-keygen -q -t "$kind" -N '' -f "/etc/ssh/ssh_host_${kind}_key"
done
chroot . useradd --create-home --shell /bin/bash --password '!' admin
mkdir -p home/admin/.ssh
echo "$KEY" >home/admin/.ssh/authorized_keys
chmod 700 home/admin home/admin/.ssh
chmod 600 home/admin/.ssh/authorized_keys
chroot . chown -R admin: /home/admin
(umask 337; echo 'admin ALL=(ALL) NOPASSWD:ALL' >etc/sudoers.d/90-admin)
echo 3f0c2f1e5d6b4a79813e2c4d5f6a7b8c >etc/machine-id
printf 'ListenAddress %s\nPort %s\nUsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUseDNS no\nSubsystem sftp internal-sftp\n' \
  "$ADDRESS" "${PORT:-22}" >etc/ssh/sshd_config
# As many packages as Debian's cloud images list, not as many as this machine has.
awk -v RS= -v ORS='\n\n' '
  /\nPriority: (required|important|standard)\n/ || /^Package: (openssh-server|sudo|openssl)\n/ || ++n <= 250
' /var/lib/dpkg/status >var/lib/dpkg/status
exec chroot . /usr/sbin/sshd -D -e

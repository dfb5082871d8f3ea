variable "source_ami" { type = string }
variable "region" { type = string }
variable "account" { type = string }
variable "keypair" { type = string }
variable "key_file" { type = string }
variable "user" {
  type    = string
  default = "admin"
}
variable "ssh_port" {
  type    = number
  default = 22
}
variable "endpoint" {
  type    = string
  default = ""
}

source "amazon-ebs" "golden" {
  region              = var.region
  custom_endpoint_ec2 = var.endpoint

  source_ami           = var.source_ami
  instance_type        = "t3.micro"
  ssh_username         = var.user
  ssh_port             = var.ssh_port
  ssh_keypair_name     = var.keypair
  ssh_private_key_file = var.key_file
  ssh_timeout          = "15m"

  ami_name              = "golden-${formatdate("YYYYMMDD-hhmmss", timestamp())}"
  disable_stop_instance = true
}

build {
  sources = ["source.amazon-ebs.golden"]

  provisioner "shell" {
    inline = ["echo 'golden' | sudo tee /etc/golden"]
  }

  provisioner "shell-local" {
    command = "amigate harden ssh://${build.User}@${build.Host}:${build.Port} --identity ${var.key_file} --accept-new-host-key --only keys --only residue --only disk --seal"
  }

  post-processors {
    post-processor "manifest" {
      output = "golden-manifest.json"
    }
    post-processor "shell-local" {
      inline = ["amigate packer --manifest golden-manifest.json --account ${var.account} --report console --report 'json={ami}.json'"]
    }
  }
}

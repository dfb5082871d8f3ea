"""Making a machine fit to become an image: steps, what they may do, the seal, and the loop that bakes an AMI."""

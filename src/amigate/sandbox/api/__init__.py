"""The EC2 API: moto in process, completed where it lacks or fakes."""

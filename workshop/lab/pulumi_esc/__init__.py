"""A stand-in for the part of Pulumi ESC's API that the External Secrets Operator uses."""

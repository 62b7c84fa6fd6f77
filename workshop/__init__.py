"""What a user never deploys: the lab, builds without an official CLI, benchmarks and harnesses."""

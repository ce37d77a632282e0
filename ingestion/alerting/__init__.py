"""What the team is told of the intake, and what can be asked about feeds."""

"""What comes for services that start on demand, and whether anything did."""

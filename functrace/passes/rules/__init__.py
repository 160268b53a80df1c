"""Rules of algebra, by what they are about."""

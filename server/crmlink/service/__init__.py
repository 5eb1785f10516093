"""Running the server as a service of the system: systemd, launchd or Windows."""

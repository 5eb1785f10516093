"""QuickBooks Desktop: Intuit's Web Connector on the office's computer brings its contacts."""

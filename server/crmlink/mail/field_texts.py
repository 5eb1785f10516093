"""Sentences about fields of the mail server; the settings need them at each start."""

FIELDS = {
    "host": "Enter the mail server's name, such as smtp.firm.example, or its IP address.",
    "port": "Enter the port as a number.",
    "port-unusual": "From here crmlink uses ports 25, 465, 587 and 2525. Another one is set with "
    "CRMLINK_SMTP_PORT.",
    "security": "Choose STARTTLS, TLS or none.",
    "text": "Use up to 200 characters without line breaks.",
    "username-missing": "Enter the user name too, or leave both empty.",
    "password-missing": "Enter the password too, or leave both empty.",
    "password-unencrypted": "A password needs STARTTLS or TLS, or others on the network could read "
    "it. Without one only a mail server on this computer may have it.",
    "sender": "Enter an email address like crmlink@firm.example.",
}

"""Sage 50: an agent on its computer reads the ledgers by ODBC and sends them to crmlink.

It needs no database and no settings of crmlink's, only the address and a token.
"""

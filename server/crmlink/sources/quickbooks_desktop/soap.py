"""SOAP 1.1 as the Web Connector speaks it: eight methods with texts and whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from crmlink.strict_xml import NotXML, read_xml

NAMESPACE = "http://developer.intuit.com/"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
# method → its parameters with their types, and the type of its result
METHODS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "serverVersion": ({}, "s:string"),
    "clientVersion": ({"strVersion": "s:string"}, "s:string"),
    "authenticate": (
        {"strUserName": "s:string", "strPassword": "s:string"},
        "tns:ArrayOfString",
    ),
    "sendRequestXML": (
        {
            "ticket": "s:string", "strHCPResponse": "s:string", "strCompanyFileName": "s:string",
            "qbXMLCountry": "s:string", "qbXMLMajorVers": "s:int", "qbXMLMinorVers": "s:int",
        },
        "s:string",
    ),
    "receiveResponseXML": (
        {"ticket": "s:string", "response": "s:string", "hresult": "s:string",
         "message": "s:string"},
        "s:int",
    ),
    "connectionError": (
        {"ticket": "s:string", "hresult": "s:string", "message": "s:string"},
        "s:string",
    ),
    "getLastError": ({"ticket": "s:string"}, "s:string"),
    "closeConnection": ({"ticket": "s:string"}, "s:string"),
}  # fmt: skip

Result = str | int | Sequence[str]


class NotACall(ValueError):
    """The text is no call of one of the methods."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call; parameters that were left out are empty."""

    method: str
    parameters: Mapping[str, str] = field(repr=False)


def read_call(text: bytes) -> Call:
    """Return the call of an envelope. Raises NotACall."""
    try:
        envelope = read_xml(text)
    except NotXML:
        raise NotACall("no XML") from None
    bodies = envelope.findall(f"{{{ENVELOPE}}}Body")
    if envelope.tag != f"{{{ENVELOPE}}}Envelope" or len(bodies) != 1 or len(bodies[0]) != 1:
        raise NotACall("no envelope with one call")
    call = bodies[0][0]
    method = call.tag.removeprefix(f"{{{NAMESPACE}}}")
    if method == call.tag or method not in METHODS:
        raise NotACall("an unknown method")
    parameters = dict.fromkeys(METHODS[method][0], "")
    seen: set[str] = set()
    for each in call:
        name = each.tag.removeprefix(f"{{{NAMESPACE}}}")
        if name not in parameters or name in seen or len(each):
            raise NotACall("an unknown parameter, or one that is repeated")
        seen.add(name)
        parameters[name] = each.text or ""
    return Call(method, parameters)


def answer_to(method: str, result: Result) -> str:
    """Return the envelope with a method's result."""
    if isinstance(result, (str, int)):
        inner = escape(str(result))
    else:
        inner = "".join(f"<string>{escape(each)}</string>" for each in result)
    return _envelope(
        f'<{method}Response xmlns="{NAMESPACE}"><{method}Result>{inner}</{method}Result>'
        f"</{method}Response>"
    )


def fault(sentence: str) -> str:
    """Return the envelope of a fault of the client."""
    return _envelope(
        "<soap:Fault><faultcode>soap:Client</faultcode>"
        f"<faultstring>{escape(sentence)}</faultstring></soap:Fault>"
    )


def service_description(url: str) -> str:
    """Return the WSDL of the service at a URL."""
    methods = METHODS.items()
    types = "".join(
        _element(name, "".join(_part(*each) for each in parameters.items()))
        + _element(f"{name}Response", _part(f"{name}Result", result))
        for name, (parameters, result) in methods
    )
    messages = "".join(
        f'<w:message name="{name}In"><w:part name="parameters" element="tns:{name}"/></w:message>'
        f'<w:message name="{name}Out">'
        f'<w:part name="parameters" element="tns:{name}Response"/></w:message>'
        for name, _ in methods
    )
    operations = "".join(
        f'<w:operation name="{name}"><w:input message="tns:{name}In"/>'
        f'<w:output message="tns:{name}Out"/></w:operation>'
        for name, _ in methods
    )
    bound = "".join(
        f'<w:operation name="{name}">'
        f'<soap:operation soapAction="{NAMESPACE}{name}" style="document"/>'
        '<w:input><soap:body use="literal"/></w:input>'
        '<w:output><soap:body use="literal"/></w:output></w:operation>'
        for name, _ in methods
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" '
        'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" '
        'xmlns:s="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:tns="{NAMESPACE}" targetNamespace="{NAMESPACE}">'
        f'<w:types><s:schema elementFormDefault="qualified" targetNamespace="{NAMESPACE}">{types}'
        '<s:complexType name="ArrayOfString"><s:sequence>'
        '<s:element minOccurs="0" maxOccurs="unbounded" name="string" nillable="true" '
        'type="s:string"/></s:sequence></s:complexType></s:schema></w:types>'
        f'{messages}<w:portType name="ConnectorSoap">{operations}</w:portType>'
        '<w:binding name="ConnectorSoap" type="tns:ConnectorSoap">'
        f'<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</w:binding>'
        '<w:service name="Connector"><w:port name="ConnectorSoap" binding="tns:ConnectorSoap">'
        f"<soap:address location={quoteattr(url)}/></w:port></w:service></w:definitions>"
    )


def connector_file(values: Mapping[str, str], minutes: int) -> str:
    """Return the `.qwc` file that the Web Connector is given, without a password.

    ``values`` by element, in Intuit's order; it is run every so many minutes.
    """
    elements = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
    return (
        f'<?xml version="1.0"?><QBWCXML>{elements}<QBType>QBFS</QBType>'
        f"<Scheduler><RunEveryNMinutes>{minutes}</RunEveryNMinutes></Scheduler>"
        "<IsReadOnly>true</IsReadOnly></QBWCXML>"
    )


def _envelope(body: str) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{ENVELOPE}">'
        f"<soap:Body>{body}</soap:Body></soap:Envelope>"
    )


def _element(name: str, parts: str) -> str:
    return (
        f'<s:element name="{name}"><s:complexType><s:sequence>{parts}</s:sequence>'
        "</s:complexType></s:element>"
    )


def _part(name: str, kind: str) -> str:
    least = "1" if kind == "s:int" else "0"
    return f'<s:element minOccurs="{least}" maxOccurs="1" name="{name}" type="{kind}"/>'

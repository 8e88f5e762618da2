"""Describe: objects and fields as clients read them before they query or write.

Owns the JSON of describe global and describe object. Refuses data.
Invariant: a field hidden from the client is absent, and ``updateable`` is what a write will find.
Source: REST API Developer Guide, "sObject Describe"; SOAP API Developer Guide, DescribeSObjectResult and Field.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-sobject-describe.html
"""

from __future__ import annotations

from typing import Any, Final

from emulators.salesforce.org import Org
from emulators.salesforce.schema import Field, Table

_SOAP_TYPES: Final = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "datetime": "xsd:dateTime", "date": "xsd:date",
    "time": "xsd:time", "int": "xsd:int", "double": "xsd:double", "currency": "xsd:double", "anyType": "xsd:anyType",
}  # fmt: skip


def describe_global(tables: dict[str, Table], base: str) -> dict[str, Any]:
    """``base`` is the version's path."""
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [head(table, base) for table in tables.values()]}


def head(table: Table, base: str) -> dict[str, Any]:
    """An object without its fields."""
    path = f"{base}/sobjects/{table.name}"
    flags = dict.fromkeys(("createable", "updateable"), table.writable)
    return {
        "name": table.name, "label": table.label, "labelPlural": table.plural, "keyPrefix": table.prefix,
        "custom": False, "customSetting": False, "deletable": table.writable and table.deletable,
        "undeletable": table.has("IsDeleted"), "mergeable": table.has("MasterRecordId"), "queryable": True,
        "retrieveable": True, "searchable": table.writable, "replicateable": table.has("SystemModstamp"),
        "layoutable": table.writable, "triggerable": table.writable, "feedEnabled": table.name in ("Lead", "Case"),
        "hasSubtypes": False, "isSubtype": False, "deprecatedAndHidden": False, "activateable": False,
        **flags,
        "urls": {
            "sobject": path, "describe": f"{path}/describe", "rowTemplate": f"{path}/{{ID}}",
        },
    }  # fmt: skip


def describe(table: Table, org: Org, base: str) -> dict[str, Any]:
    fields = [_field(table, field, org) for field in table.fields.values() if not org.is_hidden(table.name, field.name)]
    flags = {
        name: table.writable and (table.name, access) not in org.denied
        for name, access in (("createable", "create"), ("updateable", "edit"))
    }
    return head(table, base) | flags | {"fields": fields, "childRelationships": [], "recordTypeInfos": []}


def _field(table: Table, field: Field, org: Org) -> dict[str, Any]:
    writable = (table.name, field.name) not in org.read_only
    reference = field.type == "reference"
    filterable = org.is_filterable(table.name, field)
    return {
        "name": field.name, "label": field.label, "type": field.type, "length": field.length,
        "byteLength": field.length * 3, "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "custom": field.custom, "nillable": field.nillable, "createable": field.createable and writable,
        "updateable": field.updateable and writable, "filterable": filterable,
        "sortable": filterable, "groupable": field.type not in ("datetime", "textarea", "double", "currency"),
        "aggregatable": field.filterable, "unique": field.unique, "caseSensitive": False,
        "externalId": field.external_id, "idLookup": field.type == "id" or field.external_id,
        "nameField": field.name == table.name_field, "autoNumber": field.name == "CaseNumber",
        "calculated": field.calculated, "defaultedOnCreate": field.default is not None, "defaultValue": field.default,
        "restrictedPicklist": field.restricted, "dependentPicklist": False, "permissionable": field.custom,
        "polymorphicForeignKey": len(field.references) > 1, "namePointing": len(field.references) > 1,
        "referenceTo": list(field.references), "relationshipName": field.relationship if reference else None,
        "picklistValues": [_choice(field, value) for value in field.values],
        "deprecatedAndHidden": False, "htmlFormatted": False, "encrypted": False, "inlineHelpText": None,
        "precision": 18 if field.type in ("double", "currency") else 0, "scale": 0,
        "digits": 8 if field.type == "int" else 0,
        "extraTypeInfo": "plaintextarea" if field.type == "textarea" else None,
        "queryByDistance": False, "searchPrefilterable": False, "highScaleNumber": False,
        "compoundFieldName": "Name" if field.name in ("FirstName", "LastName", "Salutation") else None,
        "writeRequiresMasterRead": False, "cascadeDelete": False, "restrictedDelete": False, "mask": None,
    }  # fmt: skip


def _choice(field: Field, value: str) -> dict[str, Any]:
    return {"active": True, "defaultValue": value == field.default, "label": value, "validFor": None, "value": value}

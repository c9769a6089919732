"""The description of a public-use file as DDI-Codebook 2.5 XML, its wording in every language of the survey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from reports.language import Language
from survey.codebook import Codebook
from survey.microdata.dictionary import Variable

NAMESPACE = "ddi:codebook:2_5"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True)
class Described:
    """What a description is of: the file's columns and the rows it has."""

    book: Codebook
    wave: str
    variables: Sequence[Variable]
    rows: int

    @property
    def languages(self) -> list[Language]:
        """The survey's languages, the first one first."""
        return [Language(code) for code in self.book.languages]

    @property
    def name(self) -> str:
        """Name of the data files without their endings."""
        return f"{self.book.survey}-{self.wave}"


def ddi(of: Described) -> bytes:
    """DDI-Codebook 2.5: study, file and data descriptions, the elements in the order of its schema.

    Every wording stands once a language with its xml:lang; a wording of one language for all bears none.
    """
    ET.register_namespace("", NAMESPACE)
    root = _element(None, "codeBook", version="2.5", ID=f"DDI-{of.name}")
    root.set(XML_LANG, of.languages[0].tag)
    _study(_element(root, "stdyDscr"), of)
    _file(_element(root, "fileDscr", ID="F1"), of)
    data = _element(root, "dataDscr")
    for number, variable in enumerate(of.variables, start=1):
        _variable(data, variable, number, of)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _study(study: ET.Element, of: Described) -> None:
    book, first = of.book, of.languages[0]
    citation = _element(study, "citation")
    title = _element(citation, "titlStmt")
    _element(title, "titl", _title(of, first)).set(XML_LANG, first.tag)
    for lang in of.languages[1:]:
        _element(title, "parTitl", _title(of, lang)).set(XML_LANG, lang.tag)
    _element(title, "IDNo", of.name)
    _worded(_element(citation, "rspStmt"), "AuthEnty", book.publisher, of)
    _worded(_element(citation, "prodStmt"), "producer", book.publisher, of)
    info = _element(study, "stdyInfo")
    _worded(info, "abstract", book.limits, of)
    summary = _element(info, "sumDscr")
    fieldwork = book.waves[of.wave].fieldwork
    _element(summary, "collDate", fieldwork.start.isoformat(), date=fieldwork.start.isoformat(), event="start")
    _element(summary, "collDate", fieldwork.end.isoformat(), date=fieldwork.end.isoformat(), event="end")
    _worded(summary, "anlyUnit", {lang.code: lang.t("Person") for lang in of.languages}, of)
    _worded(summary, "universe", book.population, of)
    _worded(summary, "dataKind", {lang.code: lang.t("Survey data") for lang in of.languages}, of)
    method = _element(study, "method")
    collection = _element(method, "dataColl")
    _worded(collection, "sampProc", book.method, of)
    _worded(collection, "weight", {lang.code: _weighting(lang) for lang in of.languages}, of)
    _worded(_element(method, "anlyInfo"), "EstSmpErr", {lang.code: _variance(of, lang) for lang in of.languages}, of)
    use = _element(_element(study, "dataAccs"), "useStmt")
    _worded(use, "conditions", {lang.code: _conditions(lang) for lang in of.languages}, of)


def _file(description: ET.Element, of: Described) -> None:
    text = _element(description, "fileTxt")
    _element(text, "fileName", f"{of.name}.csv")
    _worded(text, "fileCont", {lang.code: _contents(lang) for lang in of.languages}, of)
    size = _element(text, "dimensns")
    _element(size, "caseQnty", str(of.rows))
    _element(size, "varQnty", str(len(of.variables)))
    _element(text, "fileType", "text/csv", charset="UTF-8")
    _worded(text, "dataMsng", {lang.code: _missing(lang) for lang in of.languages}, of)


def _variable(data: ET.Element, variable: Variable, number: int, of: Described) -> None:
    weight = next(place for place, own in enumerate(of.variables, start=1) if own.part == "weight")
    weighing = {"wgt": "wgt"} if variable.part == "weight" else {"wgt-var": f"V{weight}"}
    kind = "contin" if variable.measured == "scale" else "discrete"
    element = _element(data, "var", ID=f"V{number}", name=variable.name, files="F1", intrvl=kind, **weighing)
    _worded(element, "labl", variable.label, of)
    for lang in _languages(variable.text, of):
        question = _element(element, "qstn")
        _tagged(_element(question, "qstnLit", lang.wording(variable.text)), lang, variable.text)
    for code, words in variable.levels.items():
        category = _element(element, "catgry")
        _element(category, "catValu", code)
        _worded(category, "labl", words, of)
    stored = "character" if variable.stored == "string" else "numeric"
    _element(element, "varFormat", type=stored, schema="other")


def _title(of: Described, lang: Language) -> str:
    return lang.t("%(title)s, %(wave)s: public-use file", title=lang.wording(of.book.title), wave=lang.wave(of.wave))


def _weighting(lang: Language) -> str:
    return lang.t(
        "Multiply by the column weight: it makes the respondents stand for the population. It is the weight of the"
        " report, with all its digits."
    )


def _variance(of: Described, lang: Language) -> str:
    if not any(own.part == "stratum" for own in of.variables):
        return lang.t("Design-based standard errors follow from the weights and sampling units of the file.")
    return lang.t(
        "Design-based standard errors follow from the strata and sampling units of the file, as if units were drawn"
        " with"
        " replacement. Their numbers were given anew and name no place; they do not agree from wave to wave."
    )


def _conditions(lang: Language) -> str:
    return lang.t(
        "For statistics only. Do not try to find out who a person is, do not link the records with others, and tell the"
        " publisher if you believe that you have recognised somebody."
    )


def _contents(lang: Language) -> str:
    return lang.t(
        "One row a respondent, in an order that tells nothing. Columns that could identify a person were made coarser,"
        " left out or blanked in single records; risk.json tells how far."
    )


def _missing(lang: Language) -> str:
    return lang.t("Blank: no answer, not asked, or blanked to protect a person.")


def _worded(parent: ET.Element, tag: str, words: Mapping[str, str], of: Described) -> None:
    for lang in _languages(words, of):
        _tagged(_element(parent, tag, lang.wording(words)), lang, words)


def _languages(words: Mapping[str, str], of: Described) -> list[Language]:
    """The languages a wording has; the first one for a wording of all languages, none for no wording."""
    if "" in words:
        return of.languages[:1]
    return [lang for lang in of.languages if words.get(lang.code)]


def _tagged(element: ET.Element, lang: Language, words: Mapping[str, str]) -> None:
    if "" not in words:
        element.set(XML_LANG, lang.tag)


def _element(parent: ET.Element | None, tag: str, text: str = "", **attributes: str) -> ET.Element:
    name = f"{{{NAMESPACE}}}{tag}"
    element = ET.Element(name, attributes) if parent is None else ET.SubElement(parent, name, attributes)
    element.text = text or None
    return element

"""Sections of a report and the organs that its headers name: closed lists, so that they may go into the graph."""

from __future__ import annotations

from collections.abc import Sequence

_SECTION_HEADERS = {
    "findings": "findings|finding|findings and impression|impression and findings|report|interpretation of findings"
    "|description|observations|results|result",
    "impression": "impression|impressions|conclusion|conclusions|opinion|interpretation|summary|assessment|diagnosis"
    "|final impression|final diagnosis|impression and plan|comment|comments|final report"
    "|impression and recommendation|impression and recommendations",
    "indication": "indication|indications|clinical indication|clinical indications|reason|reason for exam"
    "|reason for examination|reason for study|reason for the exam|reason for this examination|reason for visit"
    "|clinical question|indication for study|indication for exam|symptoms",
    "comparison": "comparison|comparisons|comparison study|comparison studies|comparison exam|comparison date"
    "|prior studies|prior study|previous studies|previous study|previous|compared to",
    "technique": "technique|techniques|procedure|protocol|method|methods|scan technique|imaging technique|contrast"
    "|contrast material|oral contrast|intravenous contrast|dose|radiation dose|technical factors|ct technique|views",
    "history": "history|clinical history|clinical information|clinical data|clinical details|clinical|medical history"
    "|patient history|past medical history|clinical statement|brief history|background",
    "examination": "examination|exam|study|type of exam|exam type|examination type|study type|title|exams|procedures",
    "recommendation": "recommendation|recommendations|follow up|follow-up|followup|plan",
    "addendum": "addendum|addenda",
    "signature": "dictated by|dictated|dictating|electronically signed by|electronically signed|signed by|signed"
    "|reported by|read by|attending|attending radiologist|radiologist|resident|transcribed by|approved by|verified by"
    "|interpreted by|finalized by|dictating physician|dictation",
}

SECTIONS = tuple(_SECTION_HEADERS)
"""Every section that :class:`ingest.reports.document.Sentence` may name."""

SECTION_OF = {header: section for section, headers in _SECTION_HEADERS.items() for header in headers.split("|")}
"""Section by header, in lower case."""

_ORGAN_WORDS = {
    "lungs": "lung lungs pulmonary parenchyma airspaces airspace bronchi airway airways trachea tracheobronchial tree",
    "pleura": "pleura pleurae pleural",
    "mediastinum": "mediastinum mediastinal hila hilum hilar",
    "heart": "heart cardiac pericardium pericardial cardiomediastinal cardiomediastinum coronary coronaries silhouette",
    "vessels": "vascular vessels vessel vasculature aorta arteries veins arterial venous",
    "lymph nodes": "lymph node nodes nodal lymphatic lymphatics lymphadenopathy adenopathy",
    "breast": "breast breasts",
    "chest wall": "axilla axillae axillary",
    "chest": "chest thorax thoracic",
    "bones": "bone bones osseous skeleton skeletal musculoskeletal msk",
    "spine": "spine vertebrae vertebral",
    "soft tissues": "tissue tissues subcutaneous muscles",
    "liver": "liver hepatic hepatobiliary",
    "gallbladder": "gallbladder biliary bile ducts duct",
    "pancreas": "pancreas pancreatic",
    "spleen": "spleen splenic",
    "adrenal glands": "adrenal adrenals",
    "kidneys": "kidney kidneys renal ureter ureters genitourinary urinary gu",
    "bowel": "bowel gastrointestinal gi colon stomach intestine intestines appendix esophagus oesophagus",
    "peritoneum": "peritoneum peritoneal mesentery mesenteric omentum",
    "retroperitoneum": "retroperitoneum retroperitoneal",
    "bladder": "bladder",
    "pelvic organs": "reproductive uterus ovaries adnexa prostate gynecologic seminal vesicles",
    "pelvis": "pelvis pelvic",
    "abdomen": "abdomen abdominal",
    "thyroid": "thyroid",
    "neck": "neck",
    "head": "head brain intracranial orbits sinuses skull",
    "devices": "tubes lines devices catheters hardware support",
}

ORGANS = (*_ORGAN_WORDS, "upper abdomen")
"""Every organ that :class:`ingest.reports.document.Sentence` may name."""

_ORGAN_OF = {word: organ for organ, words in _ORGAN_WORDS.items() for word in words.split()}
_FILLER_WORDS = (
    "and or the of for in upper lower great soft wall walls space spaces gland glands body region visualized other"
    " system tract structures ct right left bilateral small large central"
)
_FILLERS = frozenset(_FILLER_WORDS.split())
_PHRASES: dict[tuple[str, ...], str] = {
    ("upper", "abdomen"): "upper abdomen",
    ("chest", "wall"): "chest wall",
    ("body", "wall"): "chest wall",
    ("thoracic", "spine"): "spine",
}


def organs_of(words: Sequence[str]) -> list[str]:
    """The organs that a header names, in its order; [] when a word of it is none of an organ header.

    Args:
        words: the header's words in lower case.
    """
    organs: list[str] = []
    index = 0
    while index < len(words):
        organ = _PHRASES.get(tuple(words[index : index + 2]))
        index += 2 if organ else 1
        word = words[index - 1]
        organ = organ or _ORGAN_OF.get(word)
        if organ is None and word not in _FILLERS:
            return []
        if organ is not None and organ not in organs:
            organs.append(organ)
    return organs

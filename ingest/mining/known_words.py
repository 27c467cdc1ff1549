"""Words that are no label by themselves, and where in a sentence the name of a person stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

FUNCTION_WORDS = frozenset(
    """
    a about above according across after again against all almost along also although always am among an and another any
    apart approximately are around as at away back be because become been before behind being below beneath beside
    between beyond both but by can cannot could despite did do does doing done down during each either else elsewhere
    enough even ever every except far few first for former from further had has have having he hence her here hers him
    his how however i if in including inside instead into is it its itself just last later latter least less like many
    may me might mine more most much must my near nearly neither never nevertheless next no nor not nothing now of off
    often on once one only onto or other others otherwise our out outside over own per perhaps quite rather same second
    several shall she should since so some somewhat soon still such than that the their them then there thereby
    therefore these they third this those though three through throughout thus to together too toward towards two under
    unless until up upon us use used using versus very via was we well were what when where whereas whether which while
    who whom whose why will with within without would yet you your
    """.split()  # noqa: SIM905 - a paragraph of words is easier to keep than a list of strings
)
"""Words of grammar."""

REPORT_WORDS = frozenset(
    """
    abnormal abnormality absence absent acute additional adequate advised aforementioned ago appear appearance appeared
    appearing appears appreciated assess assessed assessment available baseline bilateral bilaterally case certain
    change changed changes chronic clear clinical clinically compared comparison compatible complete completely
    concerning consider consistent contrast correlate correlation current currently date day days decrease decreased
    decreasing definite definitely demonstrate demonstrated demonstrates demonstrating describe described detail
    determine development diagnosis different difficult discussed due earlier especially essentially evaluate evaluated
    evaluation evidence evident exam examination examinations exams exclude excluded exhibit expected extent favor
    favored film films finding findings focal follow followed following given grossly history identified image images
    imaging impression increase increased increasing indicate indicated indicates indication information intact interim
    interval known largely left level likely limit limitation limited limits measure measured measurement measurements
    measures measuring mild mildly minimal minimally moderate moderately month months morning multiple negative new
    noted normal normally note notes number numerous obtained old overall part partially patient patients period
    persistent portion position positive possible possibly present presence presumably previous previously primarily
    prior probable probably question questionable radiograph radiographic radiographs reason recent recently recommend
    recommendation recommended related relatively remain remainder remaining remains report reported represent
    representing represents resolved result results review reviewed right scan scans see seen series severe severely
    show showing shown shows significant significantly similar slight slightly small stable status studies study subtle
    suggest suggested suggesting suggestion suggestive suggests suspected suspicion suspicious taken technique time
    today type unchanged unremarkable unusual variant view views visible visualised visualized week weeks worsened
    worsening worse year years yesterday
    """.split()  # noqa: SIM905
)
"""Words that every report is made of: no candidates alone, nor at the beginning or end of a phrase."""

_TITLES = frozenset("dr drs doctor doctors prof professor mr mrs ms".split())  # noqa: SIM905
_ROLES = frozenset("radiologist attending resident fellow physician clinician surgeon referrer".split())  # noqa: SIM905
_CREDENTIALS = frozenset("md mbbs mbchb phd rn frcr".split())  # noqa: SIM905
_SAYING = frozenset(
    """
    approved attested called communicated conveyed dictated discussed finalised finalized informed interpreted notified
    ordered paged phoned referred relayed requested signed telephoned told transcribed verified
    """.split()  # noqa: SIM905
)
_INSIDE = _TITLES | frozenset("al bin da de del della den der di du el la le ten van von".split())  # noqa: SIM905
"""Small words within names."""
_SAYING_REACH = 3
_NAME_WORDS = 3


def names_of_people(lower: Sequence[str], written: Sequence[str]) -> Iterator[str]:
    """Words of one sentence that stand where a name does, in lower case; most of them will be names.

    That is behind a title ("Dr."), a role ("radiologist:"), the "by", "to" or "with" of a signature or a talk, and
    before a credential ("M.D.").

    Args:
        lower: the sentence's tokens in lower case.
        written: the same as they are written.
    """
    for at, word in enumerate(lower):
        talk = word in ("by", "to", "with") and not _SAYING.isdisjoint(lower[max(at - _SAYING_REACH, 0) : at])
        if talk or word in _ROLES or (word in _TITLES and written[at] != "MS"):
            yield from _behind(lower[at + 1 :], written[at + 1 :])
        elif word in _CREDENTIALS or list(lower[at : at + 3]) == ["m", ".", "d"]:
            before = [token for token in lower[max(at - _NAME_WORDS - 1, 0) : at] if token.isalpha()]
            yield from (token for token in before[-_NAME_WORDS:] if token not in FUNCTION_WORDS)


def _behind(lower: Sequence[str], written: Sequence[str]) -> Iterator[str]:
    """The name that the tokens begin with: words with a capital, or two at most without, and initials between them."""
    found, most = 0, _NAME_WORDS
    for word, as_written in zip(lower, written, strict=True):
        if word in _INSIDE:
            continue
        if word in FUNCTION_WORDS and len(word) > 1:
            return
        if word.isalpha() and len(word) > 1:
            if as_written.islower():
                if found and most == _NAME_WORDS:
                    return
                most = 2
            yield word
            found += 1
        elif not (word.isalpha() or word in (".", ":") or (word == "," and found)):
            return
        if found == most:
            return

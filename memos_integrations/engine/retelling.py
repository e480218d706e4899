"""Sentences of a speaker told again in the third person: "the user", then "they"; quoted where that is not safe."""

from __future__ import annotations

import re

from memos_integrations.engine.acts import Act, act
from memos_integrations.engine.foreign import is_foreign
from memos_integrations.engine.rewrite import SUBJECTLESS_ZH, Speaker, with_subject
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.text import STOP_WORDS, words
from memos_integrations.engine.verbs import ADVERB, BASE, COORDINATED, is_participle, is_past, third_person

_WORD = re.compile("[^\\W_]+(?:['\u2019-][^\\W_]+)*")
_SELF = re.compile(
    "\\b(?:(?P<i>[Ii])(?:['\u2019](?P<short>m|ve|d|ll|M|VE|D|LL))?"
    "|(?P<we>[Ww]e)(?:['\u2019](?P<joint>re|ve|d|ll))?"
    "|(?P<other>[Mm]y|[Mm]e|[Mm]ine|[Mm]yself)|(?P<ours>[Oo]urs?|[Uu]s|[Oo]urselves))(?![\\w'\u2019-]|\\.\\w)"
)
_ADDRESS = re.compile(
    (
        "\\b(?:let's|lets|you|your|yours|yourself|u|ur|y'all)(?=\\W|$)|\\b(?:I|i)['\u2019](?:re|s)\\b"
        "|\\bain['\u2019]t\\b"
    ),
    re.IGNORECASE,
)
_INVERTED = words("do did does am was were have has had can could should would will shall may might must nor neither")
_PARTNER = words("my our his her he she they a the both")
_WOULD = words("like love prefer rather be hate say want enjoy appreciate need go do have")
_PAST_CUE = re.compile(r"\b(?:yesterday|last|ago|earlier|was|were|did|had|went|in (?:19|20)\d\d)\b", re.IGNORECASE)
_SAME_IN_PAST = words("read put cut hit set quit hurt shut let beat bet cost fit spread split")
_MOSTLY_PAST = words("quit hurt split")
_FINITE_AFTER_TO = words("hate prefer dislike detest loathe avoid am don't")
_CLAUSE_STARTS = words("i i'm i've who that which because when if while they he she people we")
_ALSO_PEOPLE = words("coach host guide judge date match love crush")
_OTHERS = re.compile(r"\b(?:they|them)\b", re.IGNORECASE)
_PLURAL = {"am": "are", "was": "were"}
_LOWERED = (
    words("yesterday today tomorrow tonight last next every sometimes since when whenever after before") | STOP_WORDS
)
_SELF_ZH = re.compile(
    "(?<![自敌忘])我(?![们国校司院方省市县村等])(?:(的)|(?=(的?)(?:妈妈?|爸爸?|儿子|女儿|孩子|老公|老婆|妻子"
    "|丈夫|父母|父亲|母亲|哥哥?|姐姐?|弟弟?|妹妹?|男友|女友|男朋友|女朋友|朋友|同事|老板|室友|房东|公司|奶奶|爷爷)))?"
)
_OTHERS_ZH = re.compile("我们|咱们?|你|您")


def retell(sentence: str, speaker: Speaker, *, again: bool = False) -> str | None:
    """`sentence` about its speaker in the third person; None when only quoting is safe.

    `again` means that the sentence before it was about the speaker too, who is "they" from now on.
    """
    if is_chinese(sentence):
        return _retell_zh(sentence, speaker)
    if is_foreign(sentence):
        return None
    if _ADDRESS.search(sentence):
        return None
    sentence = with_subject(sentence)
    found = list(_SELF.finditer(sentence))
    if not found:
        return None if speaker.name or act(sentence) is Act.FRAGMENT else sentence
    if any(_inside_quotes(sentence, m.start()) for m in found):
        return None
    return _Retelling(sentence, speaker, found, again=again).run()


def _inside_quotes(sentence: str, position: int) -> bool:
    head = sentence[:position]
    return head.count('"') % 2 == 1 or head.count("\u201c") > head.count("\u201d")


class _Retelling:
    def __init__(self, sentence: str, speaker: Speaker, found: list[re.Match[str]], *, again: bool) -> None:
        self.sentence, self.speaker, self.found = sentence, speaker, found
        self.words = list(_WORD.finditer(sentence))
        self.edits: dict[tuple[int, int], str] = {}
        # Whether the speaker was named, so that a pronoun is understood; as a subject, and in any way.
        self.subject_seen = self.named = again
        # "I" beside "we", or one of several people talking: "they" could be others, so the speaker keeps a name.
        self.apart = (
            bool(speaker.name)
            or (any(m["i"] for m in found) and any(m["we"] for m in found))
            or bool(_OTHERS.search(sentence))
        )

    def run(self) -> str | None:
        for match in self.found:
            tell = self._subject if match["i"] else self._we if match["we"] else self._other
            done = tell(match)
            if not done:
                return None
        pieces, last = [], 0
        for (start, end), text in sorted(self.edits.items()):
            pieces += [self.sentence[last:start], text]
            last = end
        return "".join([*pieces, self.sentence[last:]])

    def _name(self, start: int) -> str:
        return self.speaker.subject if start == 0 else self.speaker.object

    def _other(self, match: re.Match[str]) -> bool:
        word = (match["other"] or match["ours"]).lower()
        start = match.start()
        own = "their" if self.named else self._name(start) + "'s"
        new = {
            "my": own,
            "our": own,
            "me": "them" if self.subject_seen else self._name(start),
            "us": "them" if self.named else self._name(start),
            "myself": "themselves",
            "ourselves": "themselves",
            "mine": own if own != "their" else "theirs",
            "ours": own if own != "their" else "theirs",
        }[word]
        self.named = True
        self.edits[match.span()] = new[:1].upper() + new[1:] if start == 0 else new
        return True

    def _we(self, match: re.Match[str]) -> bool:
        """ "We moved" becomes "The user said they moved": who else is meant stays open."""
        joint = f"'{match['joint']}" if match["joint"] else ""
        start = match.start()
        if self.named:
            self.edits[match.span()] = ("They" if start == 0 else "they") + joint
            return True
        self.named = True
        if start == 0:
            self.edits[match.span()] = f"{self.speaker.subject} said they{joint}"
            return True
        first = self.words[0]
        word = first.group()
        if first.start() != 0 or word.lower() not in _LOWERED:
            return False
        self.edits[first.span()] = f"{self.speaker.subject} said {word.lower()}"
        self.edits[match.span()] = "they" + joint
        return True

    def _subject(self, match: re.Match[str]) -> bool:
        before = [w.group().lower() for w in self.words if w.end() <= match.start()]
        after = [w for w in self.words if w.start() >= match.end()]
        if before and before[-1] in _INVERTED:
            return False
        joined = bool(before) and before[-1] in {"and", "or"} and not self._is_clause(match.start())
        self.apart = self.apart or joined
        if self.subject_seen and not joined and not self.apart:
            return self._pronoun(match, after)
        self.edits[match.span()] = self._name(match.start())
        self.subject_seen = self.named = True
        if match["short"]:
            return not joined and self._contraction(match, match["short"].lower(), after)
        return joined or self._verb(match, after)

    def _pronoun(self, match: re.Match[str], after: list[re.Match[str]]) -> bool:
        short = (match["short"] or "").lower()
        they = "They" if match.start() == 0 else "they"
        self.edits[match.span()] = they + {"": "", "m": "'re"}.get(short, f"'{short}")
        if not short:
            for word in after[:4]:
                token = word.group().lower()
                if token in _PLURAL:
                    self.edits[word.span()] = _PLURAL[token]
                if token not in ADVERB:
                    break
        return True

    def _is_clause(self, position: int) -> bool:
        """Whether "and I" opens a clause, instead of ending "my wife and I"."""
        head = re.split("[,;:]", self.sentence[:position])[-1].split()[:-1]
        if not head or len(head) > 3:
            return True
        last = head[-1].lower()
        if len(head) > 1 and (last in BASE or is_past(last)) and last not in _ALSO_PEOPLE:
            return True
        return (
            head[0].startswith("I'")
            or not (head[0].lower() in _PARTNER or head[0][0].isupper())
            or "'" in head[-1][:-2]
        )

    def _contraction(self, match: re.Match[str], short: str, after: list[re.Match[str]]) -> bool:
        following = _next_verb(after)
        if short == "d":
            if following in _WOULD or (following in BASE and not is_participle(following)):
                full = "would"
            elif is_participle(following) and following not in BASE:
                full = "had"
            else:
                return False
        else:
            full = {"m": "is", "ve": "has", "ll": "will"}[short]
        self.edits[match.span()] = f"{self._name(match.start())} {full}"
        if short in {"m", "ve"}:
            self._coordinated(after)
        return True

    def _verb(self, match: re.Match[str], after: list[re.Match[str]]) -> bool:
        gap = self.sentence[match.end() : after[0].start()] if after else "."
        if gap.strip():
            return False
        for index, word in enumerate(after[:5]):
            token = word.group().lower().replace("\u2019", "'")
            if token in ADVERB or (token.endswith("ly") and token not in {"fly", "rely", "apply", "reply"}):
                continue
            form = third_person(token)
            if form is None:
                following = after[index + 1].group().lower() if index + 1 < len(after) else ""
                if token.endswith("y") and (following in BASE or is_past(following)):
                    continue  # a misspelt adverb: "definatly", "absolutley"
                return False
            if token in _MOSTLY_PAST or (token in _SAME_IN_PAST and _PAST_CUE.search(self.sentence)):
                form = token
            if form != token:
                self.edits[word.span()] = form
                self._coordinated(after[index + 1 :])
            return True
        return False

    def _coordinated(self, after: list[re.Match[str]]) -> None:
        previous, seen_to = "", False
        for position, word in enumerate(after):
            current = word.group().lower().replace("\u2019", "'")
            if current in _CLAUSE_STARTS:
                return
            seen_to = seen_to or current in {"to", "can", "could", "will", "would", "should", "don't"}
            joins = previous in {"and", "but", "or", "then"} or (
                previous in ADVERB and position > 1 and after[position - 2].group().lower() in {"and", "but"}
            )
            if joins and current in COORDINATED and (not seen_to or current in _FINITE_AFTER_TO):
                form = third_person(current)
                if form:
                    self.edits[word.span()] = form
            previous = current


def _next_verb(after: list[re.Match[str]]) -> str:
    for word in after[:4]:
        following = word.group().lower()
        if following not in ADVERB and following != "not":
            return following
    return ""


def _retell_zh(sentence: str, speaker: Speaker) -> str | None:
    if _OTHERS_ZH.search(sentence) or ("“" in sentence and "我" in sentence):
        return None
    if "我" in sentence:
        return _SELF_ZH.sub(lambda m: speaker.subject_zh + (m[1] or ("的" if m[2] else "")), sentence)
    if SUBJECTLESS_ZH.match(sentence):
        return speaker.subject_zh + sentence
    return None if speaker.name else sentence

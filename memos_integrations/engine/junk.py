"""What in a message is not speech: pasted logs, code, tracebacks, dumps, scripts, and recalled memory quoted back."""

from __future__ import annotations

import re

_RECALLED = re.compile(
    (
        r"<(memor(?:y|ies)|memos|memory[-_]context|recalled[-_]memor(?:y|ies)|relevant[-_]memories|facts"
        r"|preferences|context)\b[^>]{0,200}>.*?(?:</\1\s*>|\Z)"
    ),
    re.IGNORECASE | re.DOTALL,
)
_MARKER = re.compile("user\u200b\u539f\u200b\u59cb\u200bquery\u200b\uff1a[\u200b]*")
_NOTE = re.compile(
    (
        r"# ?(?:Note|注意)[:：]\s{0,4}(?:Fact memory are summaries"
        r"|事实记忆是事实的摘要).*?(?:to avoid conflicts\.|以避免冲突。|\Z)"
    ),
    re.DOTALL,
)
_LISTED = re.compile(
    r"^[ \t]*(?:explicit|implicit) preferences?:[ \t]*(?:\n[ \t]*\d+\..*)+", re.IGNORECASE | re.MULTILINE
)
_FENCE = re.compile(r"(```|~~~)[\s\S]*?(?:\1|\Z)")
_TRIPLE = re.compile(r'"""[\s\S]*?(?:"""|\Z)')
_LOG = re.compile(
    r"^\W*(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d[.,\s]|\[\s*\d+\.\d+\]|\[\s*(?:OK|FAILED"
    r"|INFO|WARN(?:ING)?|ERROR|DEBUG|TRACE|FATAL|CRITICAL)\s*\]"
    r"|(?:INFO|WARN(?:ING)?|ERROR|DEBUG|TRACE|FATAL|CRITICAL)\b\s*[:|\-\[]"
    r"|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d |\d{1,3}(?:\.\d{1,3}){3} - )"
    r"|\b(?:systemd|kernel|sshd|cron|nginx|dockerd|kubelet)\[\d+\]:|^(?:npm|pip|yarn|cargo|make|gcc|git"
    r"|docker)(?:\[\d+\])?[: ]+(?:ERR|WARN|error|warning|notice)",
)
_TRACE = re.compile(
    r"^\s*(?:Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|at [\w$.<>]+\(|Caused by: "
    r"|Exception in thread|[\w.]*(?:Error|Exception|Warning): |\.\.\. \d+ more$|goroutine \d+ \["
    r"|panic: |Segmentation fault|core dumped|#\d+ 0x[0-9a-f]+)"
)
_SHELL = re.compile(
    r"^\s*(?:\$ |>+ ?(?=\w)|>>> |\.\.\. |In \[\d+\]:|Out\[\d+\]:"
    r"|PS [A-Z]:\\|[\w.-]+@[\w.-]+[:~][^$#]{0,60}[$#] )"
)
_CODE = re.compile(
    r"^\s*(?:def \w+\(|class \w+[(:{]|import \w|from [\w.]+ import |#include\b|(?:public|private"
    r"|protected|static) \w|(?:const|let|var) \w+ ?=|function \w*\(|(?:if|for|while) ?\(.*\) ?\{"
    r"|return\b.*;$"
    r"|@\w+\b\(?|SELECT .+ FROM |INSERT INTO |UPDATE \w+ SET |CREATE TABLE "
    r"|<\/?[a-zA-Z][\w-]*(?: [^<>]*)?>\s*$|#!/|//|/\*|\*/|--- |\+\+\+ |@@ |diff --git|apiVersion:|\|.*"
    r"\|.*\|\s*$|[-=_*#]{4,}\s*$)"
    r"|[{};]\s*$|^\s*[\]})]+,?;?\s*$|^\s*[\"']?[\w.-]+[\"']?\s*[:=]\s*[\"'\[{].*[\"'\]},]\s*$|=>|\(\) ?\{|</\w+>"
)
_ASSIGNMENTS = re.compile(r"\b[\w.-]+=[^\s=]+")
_MEASURES = re.compile(
    (
        r"\b(?:cpu|mem(?:ory)?|disk|load(?: average)?|uptime|pid|rss|swap|temp|ping|latency|rtt|ttl|bytes"
        r"|status|heartbeat|seq|eth0|battery)\b[^,;|]{0,14}[:=]\s*[\w.%]+"
    ),
    re.IGNORECASE,
)
_HEARTBEAT = re.compile(
    (
        r"^\W*(?:heart ?beat|ping|pong|keep[- ]?alive|health[- ]?check|noop|no-op|ack"
        r"|tick)\b[\w\s:.\-]{0,60}$|\bHEARTBEAT(?:_OK|\.md)?\b|^\W*\[?(?:cron|system|scheduled|automated"
        r"|auto)\b[^a-z]{0,3}(?:\]|event|job|task|message|reminder|check)"
    ),
    re.IGNORECASE,
)
_BOOT = re.compile(
    r"^\W*(?:you are (?:a |an |the )?(?:\w+ ){0,4}(?:assistant|agent|ai|model|bot|chatbot|expert)\b"
    r"|session (?:started|resumed|initialized|ended)\b|(?:loading|initiali[sz]ing|booting"
    r"|starting(?: up)?|connecting)\b.{0,80}(?:\.\.\.|…|done|ok)\W*$"
    r"|(?:a )?new session (?:was )?(?:started|begun)|read (?:HEARTBEAT|AGENTS|SOUL|MEMORY|USER"
    r"|TOOLS)\.md|tool (?:result|output|call)s?\b\s*[:=(]|function (?:result|output|call)s?\b\s*[:=(]"
    r"|/[a-z]\w*\s*$|observation: |thought: |action(?: input)?: |<tool_|<function"
    r"|(?:task|job|sub-?task|step \d+|sub-?agent|worker|agent|tool|workflow"
    r"|pipeline)s?\b[^:.\n]{0,24}\b(?:results?|outputs?"
    r"|completed?|finished|failed|succeeded|done|status|report|response|error)\b[^:.\n]{0,10}:)",
    re.IGNORECASE,
)
# Every machine line holds one of these; speech seldom does, so that most lines are done after one search.
_SUSPECT = re.compile(
    (
        r"[\[\]{}<>=|\\$#@_*^~`+&;/]|[:)(\"]|^\W*\d|\d{3}|^\s|--|\b(?:heart ?beat|ping|pong|keep-?alive|ack"
        r"|tick|noop|health|you are|session|loading|initiali|booting|starting|connecting|import|from|class"
        r"|public|private|const|let|var|return|select|insert|update|create|observation|thought|action|cron"
        r"|system|scheduled|automated|read|task|job|sub-?|step|worker|agent|tool|workflow|pipeline)"
    ),
    re.IGNORECASE,
)
_SYMBOLS = re.compile(r"[{}\[\]<>;=|\\/$#@_*^~`+&]")
_ACTED = re.compile(
    r"\b(?:(?:please |to |you |you'll |will |should |must |can )act (?:as|like) (?:an?|my|the|if)\b"
    r"|^act (?:as|like)\b|pretend (?:to be|you(?:'re| are)|that you)"
    r"|let's (?:do (?:a )?)?role-?play|role-?play (?:as|with me|this|a|the|that|where)\b|^role-?play\b"
    r"|you(?:'ll| will) (?:play|be playing) (?:the|a)\b|play the (?:role|part) of|(?:stay"
    r"|remain) in character"
    r"|imagine (?:that )?you(?:'re| are)\b)"
    r"|^as an? [\w -]{3,60},? .{0,80}\byou (?:will|must|should|are)\b|^your (?:task|role|job) is\b"
    r"|扮演|角色扮演|假装你|假设你是|你现在是|模拟一?个?(?:面试|角色)",
    re.IGNORECASE | re.MULTILINE,
)
_ACTION = re.compile(r"^\s*\*[^*\n]{3,}\*\s*$|^\s*\([^()\n]{3,40}ly\)\s*$|^(?:INT\.|EXT\.|FADE |CUT TO|SCENE \d)")
_SCRIPT_LINE = re.compile(r"^\s*(?:\*\*)?([A-Z\u4e00-\u9fff][\w\u4e00-\u9fff .']{0,24})(?:\*\*)?\s*[:：]\s*\S")
_MATERIAL = re.compile(
    r"\b(?:summari[sz]e|translate|rewrite|re-write|reword|rephrase|paraphrase|proofread|correct|edit"
    r"|simplify|shorten|improve|polish|fix|explain|analy[sz]e|review|classify|extract|convert|continue"
    r"|complete|grade|check|critique|expand|format|reply to|respond to|answer)\b"
    r".{0,60}?(?:\b(?:this|these|the following|following|below|above|the text|paragraph|sentence"
    r"|sentences|text|article|email|essay|passage|letter|story|code|grammar|grammatically|abstract"
    r"|poem|lyrics|message|comment|review|cover letter|resume|cv|bio)\b[^.!?\n]{0,60})?(?P<from>[:：]\s|\n|[\"\u201c])"
    r"|\b(?:here(?:'s| is| are)|this is|below is) (?:my |the |an? |our )?(?:\w+ )?(?:essay|text|draft|letter|e-?mail"
    r"|paragraph|story|poem|article|abstract|code|answer|transcript|passage|speech|review|resume|cv|message)\b"
    r"[^.!?\n]{0,40}(?P<mine>[:：])"
    r"|\b(?:is|are) (?:this|these) (?:sentences?|text|paragraph|grammar)\b.{0,40}?(?P<also>[:：]"
    r"|correct\b|\n)|\b(?:other|another|different|better) ways? (?:to|of) say(?:ing)?\b(?P<say>)"
    r"|(?:翻译|总结|概括|改写|润色|修改|续写|缩写|扩写|解释|分析|提取|校对|批改|检查)(?:一下"
    r"|下)?.{0,16}?(?P<zh>[:：]|\n|[“「『\"])",
    re.IGNORECASE,
)


def speech(text: str) -> str:
    """`text` without recalled memory blocks, code fences, and lines that a machine wrote; "" when nothing is left."""
    text = _without_recalled(text)
    text = _TRIPLE.sub("\n", _FENCE.sub("\n", text))
    lines = text.split("\n")
    kept = [line for line in lines if line.strip() and not is_machine(line)]
    if len(kept) >= 3 and _is_script(kept):
        return ""
    dropped = sum(1 for line in lines if line.strip()) - len(kept)
    if dropped >= 3 and dropped >= 2 * len(kept):
        # Between many machine lines a line that looks like prose is more likely part of the paste.
        kept = kept[:1] if lines and kept and kept[0] == next(line for line in lines if line.strip()) else []
    return "\n".join(kept)


def is_machine(line: str) -> bool:
    """Whether one line was written by a program: log, trace, shell, code, table, heartbeat or boot message."""
    if len(line) > 4000 and " " not in line[:2000]:
        return True
    probe = line[:400]
    if not _SUSPECT.search(probe):
        return False
    if any(p.search(probe) for p in (_LOG, _TRACE, _SHELL, _CODE, _HEARTBEAT, _BOOT, _ACTION)):
        return True
    size = len(probe.strip())
    symbols = len(_SYMBOLS.findall(probe))
    if symbols >= 4 and symbols > 0.1 * size and not probe.lstrip().startswith(("I ", "I'", "My ")):
        return True
    return len(_ASSIGNMENTS.findall(probe)) >= 3 or len(_MEASURES.findall(probe)) >= 3


# Asked-for texts: what stands below the request is a draft of them.
_DRAFT = re.compile(
    r"^[^\n]{0,40}\b(?:write|draft|compose|create|make|generate|reply|respond|answer|give me|help me|prepare"
    r"|edit|finish)\b"
    r"[^\n]{0,80}\b(?:letters?|e-?mails?|essays?|bios?|speech(?:es)?|stor(?:y|ies)|poems?|reviews?|posts?"
    r"|captions?|statements?"
    r"|articles?|scripts?|resumes?|cvs?|profiles?|messages?|paragraphs?|prompts?|descriptions?|summar(?:y|ies)|songs?"
    r"|lyrics|blogs?|tweets?|ads?|comments?|reports?|proposals?|introductions?|conclusions?|chapters?|outlines?)\b"
    r"[^\n]{0,200}(?P<from>\n)",
    re.IGNORECASE,
)


def material_start(text: str) -> int | None:
    """Where text begins that was handed over to be worked on ("Translate this: …"); None when there is none."""
    match = _MATERIAL.search(text[:2000])
    draft = _DRAFT.match(text[:2000])
    starts = [m.start() for m in (match,) if m] + [m.start("from") for m in (draft,) if m]
    return min(starts, default=None)


def is_acted(text: str) -> bool:
    """Whether a message sets up a role play, in which nobody speaks about themselves."""
    return bool(_ACTED.search(text[:2000]))


def _without_recalled(text: str) -> str:
    marker = None
    for match in _MARKER.finditer(text):
        marker = match
    if marker:
        text = text[marker.end() :]
    return _LISTED.sub("", _NOTE.sub("", _RECALLED.sub("\n", text)))


def _is_script(lines: list[str]) -> bool:
    names = [m[1].strip().lower() for line in lines if (m := _SCRIPT_LINE.match(line))]
    return len(names) >= 3 and len(set(names)) >= 2 and len(names) > len(set(names)) and 2 * len(names) >= len(lines)

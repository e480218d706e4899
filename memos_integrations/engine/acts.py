"""What a sentence does: state something, ask, request, greet, tell the assistant how to answer, or ask to forget."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from memos_integrations.engine.sentences import is_chinese, word_list
from memos_integrations.engine.text import words
from memos_integrations.engine.verbs import BASE, is_past
from memos_integrations.engine.wishes import wish


class Act(Enum):
    """The act of one sentence."""

    STATEMENT = "statement"
    QUESTION = "question"
    REQUEST = "request"
    SMALLTALK = "smalltalk"
    PRAISE = "praise"
    STYLE = "style"
    FORGET = "forget"
    INJECTION = "injection"
    FRAGMENT = "fragment"


_WH = words("what why how when where who which whose whom")
_AFTER_WH = words(
    """
    is are was were am do does did can could should would will shall may might must has have had to about many
    much long often far old come else kind kinds type types sort time if one ones the
    """
)
_AUXILIARY = words(
    """
    is are was were am do does did can could would will should shall may might have has had isn't aren't wasn't
    weren't don't doesn't didn't can't couldn't wouldn't won't shouldn't haven't hasn't hadn't
    """
)
_SUBJECT = words(
    """
    i you we they he she it there this that these those the a an my your our his her its their any anyone
    anybody someone somebody anything something everyone people
    """
)
_OPENERS = words(
    """
    ok okay so well hey hi hello oh now then also and but please pls plz kindly alright right actually just yes
    yeah no great thanks cool first next finally again anyway btw um uh hmm sure perfect lets
    """
)
_TASKS = words(
    """
    act add analyse analyze answer arrange brainstorm build calculate change check cite clarify classify code
    combine compare complete compose compute consider construct continue convert correct count create debug
    define delete describe design detail determine develop discuss display do draft draw edit elaborate
    enumerate evaluate examine expand explain extract fill find finish fix format generate give guess guide help
    highlight identify illustrate implement improve include insert introduce invent know let's list look make
    modify move name offer optimise optimize organise organize outline paraphrase pick plan play please predict
    prepare pretend print proofread propose provide put read recommend redo refactor reformat remind remove
    rename rephrase replace reply repeat respond return review revise reword rewrite run say scan search select
    send shorten show simplify simulate solve sort split start state stop suggest sum summarise summarize
    suppose take tell test think transform translate try turn update use verify walk write
    """
)
_ANSWERING = re.compile(
    r"\b(?:answers?|repl(?:y|ies)|respon(?:d|ses?)|explanations?|summar(?:y|ies)|messages|emojis?"
    r"|bullet points?|jargon"
    r"|tone|type hints|comments|in (?:plain )?(?:english|chinese|spanish|french|german|japanese"
    r"|mandarin|cantonese)|units?|markdown|format"
    r"|concise|brief|formal|informal|casual|polite|step[- ]by[- ]step|examples?|sources?|apologi[sz]e"
    r"|dumb(?:ing)?|sugar-?coat\w*|lectur\w+|in words|tables?"
    r"|analog(?:y|ies)|metaphors?|lists?|headings?|paragraphs?|preambles?|filler|disclaimers?|typescript)\b",
    re.IGNORECASE,
)
_STANDING = re.compile(
    r"\b(?:always|never|from now on|in (?:the )?future|going forward|every time|whenever|by default"
    r"|whatever I ask)\b",
    re.IGNORECASE,
)
_STYLE_START = re.compile(
    r"^(?:(?:when|whenever|if|for|in) [^,]{3,60}, )?(?:please |kindly |and |also |so |but "
    r"|from now on,? |in (?:the )?future,? |going forward,? )*"
    r"(?:(?:always|never) (?!\w+ed\b|(?:been|had|seen|done|gone|was|knew|met|thought|got|heard|felt|again|mind"
    r"|in)\b)\w+|(?:don't|do not|stop) (?:\w+ ){0,2}(?:dumb|sugar|lecture|lecturing"
    r"|explain|start|end|use|using|call|calling"
    r"|add|adding|include|including|give|giving|send|write|writing|say|saying|apologi[sz]ing|repeat)\b"
    r"|keep (?:your|the|all|my|it|things|everything|answers?|repl(?:y|ies)|responses?|explanations?)\b"
    r"|I (?:want|need|prefer|would like|'d like) (?:all |your |the |my )*(?:answers|replies|responses"
    r"|measurements|dates"
    r"|prices|temperatures|distances|units|explanations|summaries|code|examples)\b"
    r"|call me\b|address me\b|refer to me\b"
    r"|(?:answer|reply|respond|talk|speak|write)(?: to me| back)? (?:only |always )?(?:in|with|using"
    r"|briefly|concisely|formally|politely|casually|short)\b"
    r"|use (?:metric|imperial|celsius|fahrenheit|british|american|simple|plain|short|bullet|formal"
    r"|informal|markdown|tables?|emojis?|24[- ]hour|12[- ]hour|si)\b"
    r"|explain (?:\w+ )?(?:things|everything|stuff|anything|concepts|topics)\b"
    r"|be (?:more |very |less )?(?:brief|concise|direct|formal|informal|casual|polite|friendly|honest"
    r"|specific|detailed)\b(?! about| as))",
    re.IGNORECASE,
)
_FROM_NOW_ON = re.compile(
    r"^(?:and |so |also |ok |please )*(?:from now on|in (?:the )?future|going forward),? (?:please |only "
    r"|always )*(?:give|show|write|use|tell"
    r"|add|include|explain|answer|reply|format|keep|make|start|end|send|put|avoid|skip|call|list)\b",
    re.IGNORECASE,
)
_NO_MORE = re.compile(
    r"^(?:and |so |also |please )*(?:no|zero|without) .{2,50}\b(?:please|pls|plz|ever|thanks|in your \w+)[.!]*$",
    re.IGNORECASE,
)
_THIS_TIME = re.compile(
    r"\b(?:this (?:time|once|one|question|task|email|essay|text|paragraph|sentence|article|code|function|story|poem)"
    r"|for now|just once|today|tonight|right now|here|below|above|the following)\b|这次|这一次"
    r"|今天|本次|这里|以下|下面",
    re.IGNORECASE,
)
_SMALLTALK = words(
    """
    hi hello hey yo hiya howdy greetings good morning afternoon evening night day thanks thank you thx ty much
    so very lot a ok okay k kk fine great cool nice awesome wow perfect sure yes yeah yep yup no nope nah
    alright right got it i see understood bye goodbye later see ya cheers welcome lol haha hahaha hmm hm oh ah
    uh um well sounds amazing wonderful excellent brilliant interesting really exactly indeed true agreed
    absolutely definitely of course please continue go on next more again back there all and that that's is this
    how're everyone helpful for the your help appreciate it
    """
)
_PRAISE = re.compile(
    r"^(?:(?:oh|wow|thanks|thank you|yes|yeah|ok|okay|great|perfect|hey|hi|haha)[,.!]* )*(?:(?:that"
    r"|those|these|this|it|they|you)(?:'s|'re| is| are| sounds?| sound| would be| will be| was| were"
    r"| all sound| really sounds?| look| looks| seems?)|what)"
    r"(?: (?:really|very|so|all|some|such|a|an|absolutely|like|quite|pretty|definitely|just|certainly"
    r"|actually|the|truly|most))*"
    r" (?:great|good|excellent|wonderful|awesome|amazing|perfect|fantastic|interesting|helpful"
    r"|brilliant|lovely|nice|cool|useful|right|correct|true|fun|fascinating|solid|best|sweet|kind"
    r"|thoughtful|welcome|fine|delicious)"
    r"(?: (?:ideas?|suggestions?|points?|options?|recommendations?|tips?|advice|questions?|resources?"
    r"|news|plan|information|thoughts?|approach|of you|to (?:hear|know)))?(?:,? (?:thanks|thank you|too"
    r"|indeed|though|to me|all)(?: (?:so much|a lot|again))?)*[.!]*$"
    r"|^(?:thanks|thank you|thx|many thanks|i (?:really |do )?appreciate (?:it|that|this|your|the"
    r"|all))\b(?! .{0,60}\b(?:but|because|I'm|I am|my)\b).{0,80}$",
    re.IGNORECASE,
)
_SMALLTALK_ZH = re.compile(
    "^(?:我?再(?:想想|看看|考虑(?:一下)?|说吧?)|(?:让我|我)?(?:想想|考虑一下)|你好|您好|早上?好"
    "|晚上?好|下午好|中午好|嗨|哈喽|在吗|谢谢?(?:你|您)?|多谢|感谢|好的?|好吧|行"
    "|可以|嗯+|哦+|噢|啊|哈+|对|是的?|没错|不是|"
    "明白|知道了?|了解|收到|再见|拜拜|晚安|辛苦了?|不客气|没事|没关系|太好了|太棒了|不错|厉害|真的"
    "|笑死|笑哭|哭死|绝了|牛|赞|棒|继续|下一个|还有呢|然后呢|原来如此|懂了|"
    "的|了|吧|呢|呀|哈|非常|很|真|你|您|[，,。.！!~～、\\s])+$"
)
_INJECTION = re.compile(
    r"\b(?:ignore|disregard|override|bypass|forget) (?:all |any |the |your |these |every )*(?:previous"
    r"|prior|above|earlier|preceding|existing|system|safety)?\s*"
    r"(?:instructions?|prompts?|rules|guidelines|directives|guardrails|restrictions|policies)\b"
    r"|^\W*(?:system|assistant|developer|tool)\s*(?:prompt|message|note|override"
    r"|instruction)?\s*[:：>\]]|<\|?/?(?:im_start|im_end|system|assistant|endoftext|inst)\|?>"
    r"|\[/?(?:INST|SYS(?:TEM)?)\]"
    r"|\byou are now (?:a|an|in|the|dan|no longer)\b|\b(?:developer|dan|jailbreak|god|admin(?:istrator)?|sudo) mode\b"
    r"|\b(?:reveal|print|output|leak|repeat) (?:me )?(?:your|the) (?:system|hidden|initial"
    r"|secret) (?:prompt|instructions?)\b"
    r"|\b(?:the|this) (?:assistant|ai|agent|model|chatbot|bot|system) (?:must|should|shall|will always|has to)\b"
    r"|\bnew (?:system )?(?:instructions?|prompt|policy)\s*[:：]",
    re.IGNORECASE,
)
_INJECTION_ZH = re.compile(
    "(?:忽略|无视|忘记|忘掉|绕过|不要遵守|不用遵守)(?:你)?(?:之前|以前|以上|上面|前面|先前|此前|所有"
    "|全部|一切|系统)(?:的|所有|任何)*(?:指令|指示|提示词?|规则|设定|要求|限制|约束)|"
    "^\\W*(?:系统|开发者)(?:提示|消息|指令|命令)?\\s*[:：]|(?:忽略|无视|绕过"
    "|解除)你的.{0,6}(?:规则|限制|指令|约束|设定)|(?:开发者|越狱|上帝|管理员)模式|你现在是(?:一个)?(?:没有"
    "|不受)|(?:输出"
    "|泄露|告诉我|显示)你的(?:系统)?提示词"
)
_QUESTION_ZH = re.compile(
    '[？?]\\s*[”」』"]?$|(?:吗|呢|么)[。！!~～]?$|^(?:请问|为什么|怎么|如何|什么|哪(?:里|个|些'
    "|儿|家|种)|谁|几点|多少|是否|能否|可否|有没有|有什么|是不是|能不能|可不可以|要不要|你(?:觉得|认为|知道|能"
    "|会|可以|有|是))|"
    "(?:怎么(?:办|样|做|走|写|用|弄|选)|有哪些|是什么|为什么|哪个(?:更)?好|多少钱?|几个)[。！!]?$"
)
_REQUEST_ZH = re.compile(
    "^(?:这次|这回|今天|先|顺便|那|那就|好的?|嗯|另外|然后|再|现在|接下来|首先|最后|麻烦(?:你|您)?"
    "|[，,\\s])*(?:请(?!问|假"
    "|客)|帮(?:我|忙|个忙)|给我|替我|为我(?!的)|教我|告诉我|推荐(?!给)|介绍(?:一下|下)|解释|翻译|总结|概括"
    "|写(?:一|个|篇|段|首|封|几|出|份)|"
    "生成|列(?:出|举|一)|分析|比较|对比|计算|修改|改写|润色|续写|继续(?:写|说)?|举(?:个|几|一)|设计|制定"
    "|查(?:一下|找|询)|搜索|模拟|扮演|假设|假装|用.{1,12}(?:写|实现|翻译|回答这)|把.{1,40}(?:翻译"
    "|改|换|写|转|变)成|"
    "我(?:想|要)(?:让|请)?你|我需要(?:你|一(?:份|个|篇|段|首)|.{0,6}(?:帮助|建议|方案|代码))"
    "|我想(?:知道|了解|问|请教|查|咨询)|想(?:问|知道|了解)|能不能|可不可以|可以(?:帮|给|请|告诉))"
)
_STYLE_ZH = re.compile(
    "(?:回复|回答|答复|说话|讲话|解释|输出|语气|称呼|表达|聊天).{0,10}(?:简洁|简短|简单|精简|详细|正式"
    "|口语|幽默|直接|礼貌|温柔|专业|短|长|一点|一些|用|别|不要|不用)|(?:叫|称呼|喊)我(?!们)|"
    "(?:请|以后|今后|从现在起|从今以后|每次|始终|总是|一律|都|别|不要|不用"
    "|尽量)[^，,。]{0,8}(?:用(?:中文|英文|英语|简体|繁体|表格|列表|公制|摄氏|要点|Markdown)|表情"
    "|emoji|客套|废话|术语|例子)"
)
_STANDING_ZH = re.compile("以后|今后|从现在起|从今以后|每次|始终|总是|一律|一直|默认|永远")


_LASTING_ZH = re.compile(
    "(?:叫|称呼|喊)我(?!们)|(?:回复|回答|答复)(?:我|时|的时候|都|要|请)|别|不要|不用|都用|一律|尽量"
)
_EXPLAIN_ZH = re.compile("^(?:请|帮我|麻烦你?|给我)*(?:解释|说明|输出|表达|翻译)(?:一下|下|这|那|什么|为什么)")


@lru_cache(maxsize=256)  # one sentence is asked about by several readers of its message
def act(sentence: str) -> Act:
    """The act of one sentence of a user who speaks to an assistant."""
    if _INJECTION.search(sentence):
        return Act.INJECTION
    if is_chinese(sentence):
        return Act.INJECTION if _INJECTION_ZH.search(sentence) else _act_zh(sentence)
    return _act_en(sentence)


def _act_zh(sentence: str) -> Act:
    if _SMALLTALK_ZH.match(sentence):
        return Act.SMALLTALK
    if wish(sentence):
        return Act.FORGET
    if (
        _STYLE_ZH.search(sentence)
        and not _THIS_TIME.search(sentence)
        and not sentence.rstrip('”」』"').endswith(("？", "?"))
        and (_STANDING_ZH.search(sentence) or _LASTING_ZH.search(sentence) or not _REQUEST_ZH.match(sentence))
        and not _EXPLAIN_ZH.match(sentence)
    ):
        return Act.STYLE
    if _QUESTION_ZH.search(sentence):
        return Act.QUESTION
    if _REQUEST_ZH.match(sentence):
        return Act.REQUEST
    return Act.STATEMENT


_FIELD = re.compile(r"^(?:name|address|location|diet|job|age|city)\s*:", re.IGNORECASE)


def _act_en(sentence: str) -> Act:
    tokens = word_list(sentence)
    if not tokens or "__" in sentence or _FIELD.match(sentence):
        return Act.FRAGMENT
    if all(t in _SMALLTALK for t in tokens) and len(tokens) <= 12:
        return Act.SMALLTALK
    if len(tokens) <= 3 and tokens[0] in {"hi", "hey", "hello"} and "'" not in sentence:
        return Act.SMALLTALK
    if _PRAISE.match(sentence):
        return Act.PRAISE
    if wish(sentence):
        return Act.FORGET
    question = sentence.rstrip("\"'”’)!").endswith("?")
    if not question and is_style(sentence):
        return Act.STYLE
    start = 0
    while start < len(tokens) - 1 and tokens[start] in _OPENERS and start < 4:
        start += 1
    rest = tokens[start:]
    if question or _asks(rest):
        return Act.QUESTION
    if _requests(rest, politely=bool({"please", "pls", "plz", "kindly"} & set(tokens[: start + 1]))):
        return Act.REQUEST
    return Act.STATEMENT if _states(tokens) else Act.FRAGMENT


def is_style(sentence: str) -> bool:
    """Whether a sentence tells the assistant how to answer from now on, not only this time."""
    if _THIS_TIME.search(sentence):
        return False
    if _FROM_NOW_ON.match(sentence) or (_NO_MORE.match(sentence) and _ANSWERING.search(sentence)):
        return True
    if _STYLE_START.match(sentence):
        return bool(
            _ANSWERING.search(sentence)
            or _STANDING.search(sentence)
            or re.search(r"\b(?:call|address|refer to) me\b", sentence, re.IGNORECASE)
        )
    return False


_INVERSION = re.compile(
    r" (?:would|should|could|can|do|does|did|will|have|has|is|are|was|were) (?:i|you|we|they|he|she|it|there"
    r"|people) \w+"
)


def _asks(tokens: list[str]) -> bool:
    first, second = tokens[0], tokens[1] if len(tokens) > 1 else ""
    if first in {"what", "which", "whose"} and second not in _SUBJECT and _INVERSION.search(" ".join(tokens)):
        return True
    if first.split("'")[0] in _WH and (second in _AFTER_WH or "'" in first or first in {"why", "whose"}):
        # "What I love is …" and "When I was young, …" state something; "How the two compare" asks.
        return not (second in {"the", "a"} and first in {"when", "where"})
    if first in _AUXILIARY and second in _SUBJECT:
        return True
    if first == "any" and second in words(
        "tips ideas suggestions recommendations advice thoughts chance other good idea"
    ):
        return True
    return " ".join(tokens[:3]) in {"got any", "anything else", "what about", "how about"} or tokens[:2] in (
        ["got", "any"],
        ["how", "about"],
        ["what", "about"],
    )


def _requests(tokens: list[str], *, politely: bool) -> bool:
    first, second = tokens[0], tokens[1] if len(tokens) > 1 else ""
    third = tokens[2] if len(tokens) > 2 else ""
    if first == "i" or first in {"i'd", "i'm"}:
        return _requests_as_wish(tokens)
    if tokens[-2:] == ["any", "day"]:  # "Give me a book any day" wants no book
        return False
    if first == "let" and second == "us":
        return True
    if first in {"don't", "do"} and second in BASE:
        return True
    if first in _TASKS and not is_past(first):
        # "Play is important", "Test results came back": a noun, when a verb follows at once.
        return not (second in _AUXILIARY and second not in {"do", "have"}) and not is_past(
            third if second.endswith("s") else ""
        )
    return politely and (first in BASE or len(tokens) <= 4)


def _requests_as_wish(tokens: list[str]) -> bool:
    text = " ".join(tokens[:7])
    return bool(_WISH.match(text))


_WISH = re.compile(
    r"^i(?:'d| would)? ?(?:would |really |also |just )*(?:"
    r"(?:want|need|like|love|expect|asked?|urge|command) you\b|(?:want|need|like|love) to (?:know|ask"
    r"|understand|see (?:a|an|the|some|how)|learn (?:more )?about (?:how|what|the))\b"
    r"|(?:want|need) (?:a |an |some |the |your |\d+ )?(?:\w+ )?(?:help|advice|assistance|list|lists"
    r"|introduction|intro|essay|summary|summaries|answer|answers|explanation|examples?|outline|"
    r"paragraph|poem|story|script|code|function|program|table|prompt|prompts|recipe|recipes|ideas?"
    r"|suggestions?|recommendations?|tips|information|info|details)\b"
    r"|wonder(?:ed)?\b|am wondering\b|was wondering\b)|^i'm (?:just )?(?:wondering|asking|curious (?:if"
    r"|whether|how|what|why|about how))\b"
)
_FINITE = words("is are was were am be been has have had do does did can could will would should may might must")


_DEFINITE = words("the our his her their this that these those he she they")


def _states(tokens: list[str]) -> bool:
    """Whether the words hold a finite verb, or one that shows a clipped statement about the speaker."""
    for position, token in enumerate(tokens):
        if token in _FINITE or "'" in token or token in {"i", "my", "mine"} or is_past(token):
            return True
        if position and (
            token in BASE
            or (token.endswith("s") and (token[:-1] in BASE or token[:-2] in BASE or token[:-3] + "y" in BASE))
        ):
            return True
    return tokens[0] in _CLIPPED or tokens[-1] == "now" or (tokens[0] in _DEFINITE and len(tokens) >= 4)


_CLIPPED = words(
    """
    allergic intolerant vegetarian vegan pescatarian diabetic married single divorced engaged widowed retired
    pregnant unemployed born based originally currently no not never always love loving hate prefer like enjoy
    living working studying planning going getting moving starting hoping trying gonna wanna glad happy sad
    excited proud tired sick
    """
)

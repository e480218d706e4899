"""Sentences in languages other than English and Chinese: which they are, and which of them state something."""

from __future__ import annotations

import re

from memos_integrations.engine.acts import Act
from memos_integrations.engine.sentences import is_chinese, word_list
from memos_integrations.engine.text import words

_LETTER = re.compile(r"[^\W\d_]")
_SCRIPT = re.compile("[\u0370-\u1fff\u3041-\u30ff\uac00-\ud7af]")
COMMON = words(
    """
    ich seit wohne arbeite im bin mein meine und der die das nicht ist ein eine wir habe mit auf für je suis mon den
    ma mes les des une est pas pour nous avec dans et nos notre leur elle du au aux mais j'ai c'est qui yo soy dem zu
    trabajo vivo tengo como un y mi mis el los las que en es una con para pero gusta muy eu sou meu minha hat von bei
    não uma com um tenho gosto moro você io sono mio mia di che il gli ho una non è per ik ben het een sehr auch aber
    niet van mijn jag är och inte det som jeg er ikke og benim bir ve için saya dan yang di tidak untuk kein keine
    de la le à chez très avons sommes del al se lo más muchas sí hijo hija mam jest nie się mieszkam lubię na w
    """
)
# Words that show their language alone, for no English sentence holds them.
_TELLING = words(
    """
    ich wir unser unsere meine meinen wohne arbeite heiße mag möchte habe bin nicht j'ai j'habite j'aime je suis
    j'étudie j'adore moi
    mon soy tengo vivo trabajo gusta gustan odio prefiero estoy me-llamo mañana eu sou moro tenho gosto prefiro não
    sono ho lavoro abito vivo odio preferisco mijn ik jag heter bor jeg heter hedder benim yaşıyorum saya tinggal
    suka mieszkam lubię jestem mam nie są była był ich'm minha meu trabalho estudo gosto odeio
    """
)
_ENGLISH = re.compile(r"\b(?:the|and|is|are|my|I|you|to|of|was|have|with|it|that|this|for)\b")
_MARKS = re.compile("[äöüßéèêëàâçîïôûùñáíóúãõåøæłśżźćęąńğışœ¿¡]", re.IGNORECASE)
_ASKS = re.compile(
    r"[?？¿]|(?:ですか|ますか|ませんか|でしょうか|かな|까요?|나요|습니까|니)[。.!！]?$"
    r"|^(?:wer|was|wie|warum|wo|wann|welche[rs]?|kannst du|können sie|qui|quoi|comment|pourquoi|quel(?:le)?s?"
    r"|où|quand"
    r"|combien|peux-tu|pouvez-vous|est-ce|qué|cómo|cuál(?:es)?|dónde|cuándo|por qué|quién|puedes|o que|como|qual|onde"
    r"|quando|come|perché|dove|puoi|что|как|почему|где|когда|кто|какой|какая|какие|сколько|можешь|можете)\b",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\b(?:bitte|s'il (?:te|vous) pla[iî]t|svp|por favor|per favore|alsjeblieft|пожалуйста|proszę|lütfen|tolong)\b"
    r"|^(?:schreib\w*|übersetz\w*|erkläre?|erstelle?|nenn\w*|gib mir|mach\w* mir|zeig\w*|fass\w*|hilf|korrigier\w*"
    r"|écri\w+|tradui\w+|expliqu\w+|donne\w*|fais|faites|résum\w+|corrige\w*|aide\w*|rédige\w*|propose\w*"
    r"|escrib\w+|traduc\w+|explica\w*|dame|haz|hazme|resum\w+|corrig\w+|crea|genera|ayúdame|redacta|dime"
    r"|escrev\w+|traduz\w*|faça|faz|crie|me d[êe]|gere|explique|liste|scrivi|traduci|spiega|dammi|crea|fammi"
    r"|напиши\w*|переведи\w*|объясни\w*|составь\w*|сделай\w*|расскажи\w*|помоги\w*|придумай\w*|найди\w*"
    r"|schrijf|vertaal|napisz|przetłumacz|yaz|çevir|buatkan|tuliskan|terjemahkan)\b"
    r"|(?:ください|下さい|ちょうだい|お願いします|教えて|書いて|作って|訳して|해\s?줘(?:요)?|해\s?주세요|주세요|알려\s?줘|써\s?줘|세요)"
    r"[。.!！]?$",
    re.IGNORECASE,
)
_GREETS = re.compile(
    r"^(?:(?:danke?|vielen|herzlichen|schön|sehr|guten|gute|morgen|tag|abend|nacht|hallo|tschüss|super|merci|beaucoup"
    r"|bonjour|bonsoir|salut|au revoir|d'accord|gracias|muchas|hola|buenos|buenas|días|tardes|noches|adiós"
    r"|vale|de nada"
    r"|obrigad[oa]|olá|bom dia|boa tarde|grazie|mille|ciao|buongiorno|prego|спасибо|большое|привет|здравствуйте|пока"
    r"|добрый|день|хорошо|ありがとう|ございます|こんにちは|おはよう|こんばんは|はい|いいえ|감사합니다|고마워요?|안녕하세요|안녕|네|아니요"
    r"|bedankt|dank je|hoi|tack|hej|takk|tak|teşekkürler|merhaba|terima kasih|dziękuję|cześć|ok|okay)[\s,.!！。、]*)+$",
    re.IGNORECASE,
)


def is_foreign(text: str) -> bool:
    """Whether a sentence is in a language other than English and Chinese."""
    letters = len(_LETTER.findall(text)) if not text.isascii() else 0
    if letters and 4 * len(_SCRIPT.findall(text)) >= letters:
        return True
    if is_chinese(text):
        return False
    tokens = word_list(text)[:40]
    common = sum(t in COMMON for t in tokens)
    if not common and _TELLING.isdisjoint(tokens):
        return False
    if _ENGLISH.search(text):
        return False
    marked = not text.isascii() and bool(_MARKS.search(text))
    alone = bool(_TELLING & set(tokens)) and (marked or len(tokens) <= 12)
    return (common >= 2 and 5 * common >= len(tokens)) or alone or (marked and common > 0 and 5 * common >= len(tokens))


def foreign_act(sentence: str) -> Act:
    """What a sentence of another language does, as far as its first words and endings tell."""
    if _GREETS.match(sentence):
        return Act.SMALLTALK
    if _ASKS.search(sentence):
        return Act.QUESTION
    return Act.REQUEST if _ORDERS.search(sentence) else Act.STATEMENT

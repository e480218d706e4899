"""English verbs: which words are base forms, which are past forms, and the third person of a base form."""

from __future__ import annotations

from memos_integrations.engine.text import words

BASE = words(
    """
    accept ache achieve act adapt add admire admit adopt adore agree aim allow answer appear apply appreciate
    approach argue arrange arrive ask aspire assume attend avoid bake base beat become begin behave believe
    belong bet bike bike blame blog book borrow breathe brew bring browse build buy call camp care carry catch
    celebrate change charge check choose claim clean climb close coach code collect come commit commute compete
    complain complete compose confess confirm consider consume contact continue contribute control convert cook
    cope count cover crave create cry cut cycle dance date deal decide declare decline decorate dedicate deliver
    depend deserve design despise detest develop die diet dine disagree discover discuss dislike do donate doubt
    draft draw dream dress drink drive drop earn eat edit embrace employ encourage enjoy enter escape exercise
    expect experience explain explore express face fail fall favor favour fear feed feel fight figure file fill
    find finish fish fit fix fly focus follow forget forgive freelance gather get give go graduate greet grow
    guess guide handle hang happen hate have head hear help hesitate hide hike hire hit hold hope host hunt hurt
    identify imagine improve include insist intend interview invest invite iron jog join journal judge jump keep
    kick knit know label lack laugh launch lead lean learn leave lend lie lift like limit listen live loathe
    look lose love maintain make manage mark marry master matter mean measure meditate meet mention mentor mind
    miss mix move need notice object observe occupy offer open operate oppose order organise organize own pack
    paint park participate pass pause pay perform photograph pick plan plant play post practice practise pray
    prefer prepare present prioritise prioritize produce program promise promote propose protect provide publish
    pull pursue push put quit race raise reach react read realise realize recall receive recognise recognize
    recommend record recover recycle reduce refer refuse regret reject relate relax rely remain remember remind
    rent repair replace report represent request require research reserve resent respect respond rest restore
    restrict retire return review ride roast run sail save say schedule search see seek seem sell send serve set
    sew share shoot shop shower sign sing sit skate skip ski sketch sleep smell smile smoke snack snore sort
    speak specialise specialize spend split sponsor stand start stay stick stop store stream stress stretch
    strive struggle study subscribe succeed suffer suggest supervise support suppose surf survive suspect swear
    swim switch take talk taste teach tend test thank think track train transfer translate travel treat trust
    try turn understand upgrade use value view visit volunteer vote wait wake walk want warn wash watch wear
    weigh welcome win wish withdraw wonder work worry worship write yearn
    """
)
# Forms that are past or participle and do not end in -ed; those equal to their base form ("put") are left out.
PAST = words(
    """
    ate became began bent bet bit bled blew bought bound broke brought built burnt came caught chose clung crept
    dealt did dove drank drew drove dug fed fell felt flew forbade forgave forgot fought found froze gave went
    got ground grew had heard held hid hung kept knelt knew laid lay leapt learnt led left lent lit lost made
    meant met mistook overcame overheard paid quit ran rang rebuilt retook rewrote rode rose said sang sank sat
    saw sent sewed shone shook shot showed slept slid sold sought spelt spent spilt spoke sprang stole stood
    struck stuck stung swam swept swore swung taught thought threw told took tore understood undertook undid
    upheld was were wept withdrew woke won wore wound wrote used could would should might must will can may
    shall cannot
    """
)
PARTICIPLE = words(
    """
    been become begun bitten broken brought built bought come chosen done drawn driven drunk eaten fallen felt
    flown forgotten found given gone got gotten grown had heard held hidden hit kept known led left lost made
    meant met paid put quit read ridden risen run said seen sent set shown slept sold spent spoken stood sung
    swum taken taught thought thrown told understood woken won worn written
    """
)
MODAL = words("can could will would should may might must shall cannot can't couldn't won't wouldn't shouldn't mustn't")
# Words of a verb phrase that stand before the verb and take no ending themselves.
ADVERB = words(
    """
    always usually often never really just also still now only recently already actually currently generally
    typically sometimes mostly absolutely definitely strongly simply truly deeply personally normally rarely
    seldom hardly barely constantly regularly frequently occasionally particularly especially finally eventually
    probably certainly honestly basically literally totally completely mainly primarily exclusively strictly
    genuinely kinda sorta even once soon then later first lately almost nearly largely much rather quite either
    neither both all
    """
)
# Present-tense verbs that follow "and" or "but" in a sentence about oneself and cannot well be anything but its verb.
COORDINATED = words(
    """
    love like hate prefer enjoy avoid dislike detest loathe adore eat have don't do am want need own live speak
    teach listen go take wear write get buy keep believe think feel know understand try tend refuse always never
    usually can't cannot spend become appreciate despise drink cook read collect play sing
    """
)
_KEEPS_ED = words("need feed bleed breed speed proceed succeed exceed seed heed weed embed wed shed")
_IRREGULAR = {"am": "is", "are": "is", "have": "has", "do": "does", "go": "goes", "don't": "doesn't",
              "haven't": "hasn't", "was": "was", "were": "was"}  # fmt: skip


def is_past(word: str) -> bool:
    """Whether a lower-case word is a past form (or a modal), which takes no third-person ending."""
    return word in PAST or (len(word) > 3 and word.endswith("ed") and word not in _KEEPS_ED)


def is_participle(word: str) -> bool:
    """Whether a lower-case word is a past participle."""
    return word in PARTICIPLE or (len(word) > 3 and word.endswith("ed") and word not in _KEEPS_ED)


def third_person(word: str) -> str | None:
    """The third person singular of a lower-case verb form after "I"; None when the word is not known as a verb."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in MODAL or (is_past(word) and word not in BASE):
        return word
    head, hyphen, last = word.rpartition("-")
    if hyphen and last in BASE:
        return f"{head}-{third_person(last)}"
    if word not in BASE:
        return None
    if word.endswith(("s", "sh", "ch", "x", "z", "o")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"

"""What merges: the same said again; and what must not, however alike it looks."""

from __future__ import annotations

import pytest

from memos_integrations.engine.fingerprint import fingerprint

SAME = [
    ("The user has a dog. (said on 12 September 2025)", "The user has a dog."),
    ("The user has a dog named Rex.", "The user's dog's name is Rex!"),
    ("The user's cat is called Biscuit.", "the user's cat is called Biscuit"),
    ("The user loves coffee.", "The user really loves coffee!!"),
    ("The user said: We live here.", "The user said: we live here!"),
    ("The user doesn't eat pork.", "The user do not eat pork."),
    ("The user can't swim.", "The user cannot swim"),
    ("用户喜欢喝茶。", "用户真的喜欢喝茶！"),
    ("用户的狗叫旺财。（2026年1月5日说）", "用户的狗叫旺财"),
]
DIFFERENT = [
    ("The user has a dog.", "The user has no dog."),
    ("The user can eat nuts.", "The user cannot eat nuts."),
    ("Tom called Ann.", "Ann called Tom."),
    ("The dentist called the doctor.", "The doctor called the dentist."),
    ("The user works before lunch.", "The user works after lunch."),
    ("The user moved to Rome.", "The user moved from Rome."),
    ("The user will visit Rome.", "The user visited Rome."),
    ("The user would visit Rome.", "The user visited Rome."),
    ("She'll sing.", "She sings."),
    ("The user visits Rome.", "The user visited Rome."),
    ("Version 2.1 is out.", "Version 1.2 is out."),
    ("It moved from 3 to 4.", "It moved from 4 to 3."),
    ("It costs $20.", "It costs €20."),
    ("It is -5 outside.", "It is 5 outside."),
    ("It grew by 5%.", "It grew by 5."),
    ("She likes tea.", "He likes tea."),
    ("The user likes all dogs.", "The user likes some dogs."),
    ("The user met her.", "The user met him."),
    ("小明比小红高。", "小红比小明高。"),
    ("用户喜欢喝茶。", "用户不喜欢喝茶。"),
    ("用户去北京。", "用户去了北京。"),
    ("🎈", "🎉"),
    ("???", "..."),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_said_again(one, other):
    assert fingerprint(one, None) == fingerprint(other, None)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_only_looks_alike(one, other):
    assert fingerprint(one, None) != fingerprint(other, None)


def test_the_speaker_counts_and_his_name_does_not():
    assert fingerprint("Mia has a dog.", "Mia") != fingerprint("Mia has a dog.", "Leo")
    assert fingerprint("Mia loves tea.", "Mia") == fingerprint("mia LOVES tea", "Mia")

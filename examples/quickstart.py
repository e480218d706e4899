"""A person tells things in one conversation; a new conversation remembers them - in LangChain, then in LlamaIndex.

Runs offline on the embedded engine with a scripted model. MEMOS_API_KEY moves the memory to MemOS Cloud,
OPENAI_API_KEY (and OPENAI_BASE_URL) the answers to a real model. `--path FILE` keeps the memory.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import uuid
from pathlib import Path

from _scripted import langchain_model, llama_index_model, remembered
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver
from llama_index.core.chat_engine import SimpleChatEngine
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from memos_integrations import MemorySession, MemOSClient
from memos_integrations.langchain import MemOSContext, MemOSMiddleware
from memos_integrations.llama_index import MemOSMemory

TOLD = [
    "I’ve booked a summer trip to Guangzhou. What chain hotels can you recommend for accommodation?",
    "I’ll go with 7 Days Inn.",
    "By the way, my name is Zhang San, I'm 28 and I work as a backend developer in Hangzhou.",
    "I love spicy food but I can't stand heavy or oily dishes.",
    "我周末喜欢打羽毛球，回复请尽量简洁。",
]
ANSWERS = {
    "What chain hotels": "You can consider options like 7 Days Inn, All Seasons, Hilton, and others.",
    "7 Days Inn": "Alright—ask me anytime if you have more questions.",
    "羽毛球": "好的，我会尽量简洁。",
}
ASKED = (
    "I want to travel during the National Day holiday. "
    "Please recommend a city I haven’t been to and a hotel brand I haven’t stayed at."
)
ASKED_IN_CHINESE = "周末适合做什么运动？"
console = Console(width=min(Console().width, 110), highlight=False)


def script(prompt: str, question: str, tool_results: int) -> str:
    """The scripted model: it knows nothing but the prompt it is given."""
    known = " ".join(remembered(prompt))
    if "National Day" in question:
        city = "Chengdu instead of Guangzhou" if "Guangzhou" in known else "Guangzhou"
        hotel = "All Seasons, since you already chose 7 Days Inn" if "7 Days Inn" in known else "7 Days Inn"
        return f"How about {city}, at {hotel}?"
    if "运动" in question:
        return "打羽毛球。" if "羽毛球" in known else "跑步、游泳、骑车都可以，看您的兴趣和时间。"
    return next((answer for cue, answer in ANSWERS.items() if cue in question), "Noted.")


def title(text: str) -> None:
    console.print()
    console.rule(f"[bold]{text}", align="left")


def tell(client: MemOSClient, user_id: str) -> None:
    """Conversation 1: a LangChain agent with memory; what it is told is extracted after each turn."""
    agent = create_agent(
        langchain_model(script),
        middleware=[MemOSMiddleware(client)],
        context_schema=MemOSContext,
        checkpointer=InMemorySaver(),
    )
    for text in TOLD:
        state = agent.invoke(
            {"messages": [("user", text)]},
            {"configurable": {"thread_id": "planning"}},
            context=MemOSContext(user_id, "planning"),
        )
        console.print(Text.assemble(("you  ", "cyan"), text))
        console.print(Text.assemble(("bot  ", "green"), str(state["messages"][-1].text)))


def show_extracted(client: MemOSClient, user_id: str) -> None:
    """What the memory now holds, and from which kind of evidence."""
    page = client.get_memory(user_id=user_id, size=50)
    table = Table("kind", "what was extracted", "why", show_lines=False, expand=True)
    for fact in page.memories:
        table.add_row("fact", fact.text, ", ".join(fact.tags))
    for preference in page.preferences:
        kind = "implicit preference" if preference.implicit else "explicit preference"
        table.add_row(kind, preference.text, preference.reasoning or "")
    console.print(table)


def show_recalled(client: MemOSClient, user_id: str, question: str) -> None:
    """What a question brings back, best first, and how relevant each item was found."""
    recall = MemorySession(client, user_id=user_id, conversation_id="peek").recall(question)
    table = Table("relevance", "recalled for this question", "of", expand=True)
    for item in [*recall.memories, *recall.preferences]:
        kind = getattr(item, "preference_type", None) or getattr(item, "memory_type", None) or ""
        relevance = "-" if item.relativity is None else f"{item.relativity:.2f}".replace("0.00", "<0.01")
        table.add_row(relevance, item.text, kind)
    console.print(table)


def ask_langchain(client: MemOSClient, user_id: str, question: str) -> None:
    """Conversation 2, LangChain: a fresh agent and thread; only the memory is the same."""
    model = langchain_model(script)
    agent = create_agent(model, middleware=[MemOSMiddleware(client)], context_schema=MemOSContext)
    context = MemOSContext(user_id, "holiday-langchain")
    state = agent.invoke({"messages": [("user", question)]}, context=context)
    seen = getattr(model, "seen", None)
    show_turn(question, [(m.type, str(m.text)) for m in seen or []], str(state["messages"][-1].text))


def ask_llama_index(client: MemOSClient, user_id: str, question: str) -> None:
    """Conversation 3, LlamaIndex: another framework on the same memory."""
    llm = llama_index_model(script)
    memory = MemOSMemory.from_defaults(client=client, user_id=user_id, session_id="holiday-llama-index")
    answer = SimpleChatEngine.from_defaults(llm=llm, memory=memory).chat(question)
    seen = getattr(llm, "seen", None)
    show_turn(question, [(m.role.value, m.content or "") for m in seen or []], str(answer))


def show_turn(question: str, prompt: list[tuple[str, str]], answer: str) -> None:
    console.print(Text.assemble(("you  ", "cyan"), question))
    if prompt:
        body = Text("\n").join(Text.assemble((f"[{role}]\n", "bold yellow"), text) for role, text in prompt)
        console.print(Panel(body, title="the exact prompt the model got", title_align="left", border_style="dim"))
    console.print(Text.assemble(("bot  ", "green"), answer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, help="keep the embedded memory in this file")
    path = parser.parse_args().path
    # A new person each run: what is shown was told in this run.
    user_id = f"zhang-san-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        cloud = path is None and os.environ.get("MEMOS_API_KEY")
        client = MemOSClient.from_env() if cloud else MemOSClient.embedded(path or Path(folder) / "memos.db")
        with client:
            title("1. One conversation (LangChain agent): the user tells things")
            tell(client, user_id)
            MemorySession(client, user_id=user_id).flush()
            title("2. What was extracted and stored")
            show_extracted(client, user_id)
            title("3. A new conversation: what is recalled, and why")
            show_recalled(client, user_id, ASKED)
            title("4. LangChain answers with it")
            ask_langchain(client, user_id, ASKED)
            title("5. LlamaIndex, on the same memory")
            ask_llama_index(client, user_id, ASKED)
            ask_llama_index(client, user_id, ASKED_IN_CHINESE)
            MemorySession(client, user_id=user_id).flush()
    console.print()


if __name__ == "__main__":
    main()

import type { Conversation } from "@convosync/client";
import { useMessages } from "@convosync/client/react";
import { useCallback, useState, useSyncExternalStore, type RefObject } from "react";
import { usePage, useServices } from "../app-context";
import { ask } from "../chat";
import { useKeys } from "../hooks";
import { ChatHeader, type Menu } from "./ChatHeader";
import { Composer } from "./Composer";
import { Transcript } from "./Transcript";
import { Missing, Welcome } from "./Welcome";

interface Props {
  /** The conversation; none while a new one is begun. */
  conversation: Conversation | undefined;
  /** Whether one was asked for that is not here. */
  missing: boolean;
  composer: RefObject<HTMLTextAreaElement | null>;
  heading: RefObject<HTMLHeadingElement | null>;
  menu: Menu | undefined;
  menuButton: RefObject<HTMLButtonElement | null>;
}

/** One conversation: its title, what was said, and the field for what is said next. */
export function Chat({ conversation, missing, composer, heading, menu, menuButton }: Props) {
  const { db, answers } = useServices();
  const page = usePage();
  const id = conversation?.id;
  const messages = useMessages(id);
  const [drafts, setDrafts] = useState<Record<string, string>>({});
  useSyncExternalStore(answers.subscribe, () => answers.version);
  const writing = id
    ? messages?.find(
        ({ message_id, output }) =>
          output?.output_status === "in_progress" && answers.isWriting(message_id),
      )?.message_id
    : undefined;

  const covered = menu?.open ?? false;
  const stop = useCallback(() => writing && answers.stop(writing), [answers, writing]);
  useKeys(
    useCallback(
      (event) => {
        if (event.key !== "Escape" || event.defaultPrevented || !writing || covered) return;
        if (document.querySelector("dialog[open]")) return;
        event.preventDefault();
        answers.stop(writing);
      },
      [answers, writing, covered],
    ),
  );

  const send = async (question: string) => {
    setDrafts({ ...drafts, [id ?? ""]: "" });
    const key = await ask(db, id, question);
    if (id === undefined) page.open(key[0]);
    page.announce("The answer is on its way.");
    await answers.write(key, question);
    const answer = await db.messages.get(key);
    // A screen reader hears an answer once, whole, instead of every piece of it.
    if (answer?.output) page.announce(`Answer: ${answer.output.output_content_text ?? ""}`);
  };

  return (
    <div className="chat">
      <ChatHeader
        // No sibling may have the same key.
        key={`head ${id ?? ""}`}
        conversation={conversation}
        heading={heading}
        menu={menu}
        menuButton={menuButton}
      />
      {missing ? (
        <Missing />
      ) : id === undefined ? (
        <Welcome onAsk={send} />
      ) : (
        <Transcript key={id} messages={messages} />
      )}
      <Composer
        field={composer}
        draft={drafts[id ?? ""] ?? ""}
        onDraft={(draft) => setDrafts({ ...drafts, [id ?? ""]: draft })}
        writing={writing !== undefined}
        onSend={send}
        onStop={stop}
      />
    </div>
  );
}

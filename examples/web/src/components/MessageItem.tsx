import type { Message } from "@convosync/client";
import { saidIn, type Said } from "@convosync/client/mapping";
import { memo, useRef, useState } from "react";
import { usePage, useServices } from "../app-context";
import { deleteMessage, restore, vote } from "../chat";
import type { MessageKey } from "../database";
import { BadIcon, BinIcon, GoodIcon, PencilIcon } from "./icons";
import { MessageEditor } from "./MessageEditor";

/** A message: a question, an answer, or one with the other, whichever app has made it. */
export const MessageItem = memo(function MessageItem({ message }: { message: Message }) {
  const said = saidIn(message);
  return (
    <li className="message">
      {said.map((one) => (
        <Utterance key={one.field} message={message} said={one} />
      ))}
      {said.length === 0 && <p className="nothing">{WORDLESS}</p>}
    </li>
  );
});

/** In the place of words where there are none, as in the call of a tool. */
const WORDLESS = "A message without text.";

const clock = new Intl.DateTimeFormat("en", { timeStyle: "short", hourCycle: "h23" });
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" });

function momentOf(timestamp: string): string {
  const at = new Date(timestamp);
  const time = clock.format(at);
  return at.toDateString() === new Date().toDateString() ? time : `${day.format(at)}, ${time}`;
}

const nameOf = (role: string): string =>
  role === "user" ? "You" : role.slice(0, 1).toUpperCase() + role.slice(1);

function Utterance({ message, said }: { message: Message; said: Said }) {
  const { db, answers } = useServices();
  const page = usePage();
  const [editing, setEditing] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);
  const key: MessageKey = [message.conversation_id, message.message_id];
  const byModel = said.field.startsWith("output.");
  const name = byModel
    ? (message.response?.model ?? message.request?.request_model ?? "Model")
    : nameOf(said.role);
  const status = byModel ? message.output?.output_status : undefined;
  const unfinished = status === "in_progress";
  const wordless = said.text === "" && !unfinished && status !== "incomplete";
  const paragraphs = wordless ? [] : said.text.split(/\n{2,}/);
  const what = byModel ? "the answer" : said.role === "user" ? "your message" : "the message";

  const finishEdit = (text?: string) => {
    setEditing(false);
    if (text !== undefined && text !== said.text)
      void db.messages.update(key, { [said.field]: text });
    requestAnimationFrame(() => editButton.current?.focus());
  };

  const remove = async () => {
    answers.stop(message.message_id);
    const deleted = await deleteMessage(db, key);
    document.querySelector<HTMLElement>(".transcript")?.focus();
    page.offerUndo("The message is deleted.", () => restore(db, deleted));
  };

  return (
    <article className={`utterance by-${byModel ? "model" : "person"}`} aria-busy={unfinished}>
      <header className="utterance-head">
        <span className="name">{name}</span>
        {message.timestamp && (
          <time dateTime={message.timestamp}>{momentOf(message.timestamp)}</time>
        )}
      </header>
      {editing ? (
        <MessageEditor label={`Edit ${what}`} text={said.text} onDone={finishEdit} />
      ) : (
        <div className="text">
          {wordless && <p className="wordless">{WORDLESS}</p>}
          {paragraphs.map((paragraph, index) => (
            <p key={index}>
              {paragraph}
              {unfinished && index === paragraphs.length - 1 && (
                <span className="cursor" aria-hidden="true" />
              )}
            </p>
          ))}
        </div>
      )}
      {byModel && <State message={message} />}
      {!editing && !(unfinished && answers.isWriting(message.message_id)) && (
        <div className="actions">
          {byModel && <Votes message={message} />}
          <button
            ref={editButton}
            type="button"
            className="icon-button"
            aria-label={`Edit ${what}`}
            title="Edit"
            onClick={() => setEditing(true)}
          >
            <PencilIcon />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={`Delete ${what}`}
            title="Delete"
            onClick={remove}
          >
            <BinIcon />
          </button>
        </div>
      )}
    </article>
  );
}

function State({ message }: { message: Message }) {
  const { answers } = useServices();
  const status = message.output?.output_status;
  if (status === "incomplete") return <p className="state">Stopped here.</p>;
  if (status !== "in_progress" || answers.isWriting(message.message_id)) return null;
  return <p className="state">Another device is writing this answer.</p>;
}

function Votes({ message }: { message: Message }) {
  const { db } = useServices();
  const key: MessageKey = [message.conversation_id, message.message_id];
  return (
    <>
      <button
        type="button"
        className="icon-button"
        aria-label="Good answer"
        title="Good answer"
        aria-pressed={message.vote === true}
        onClick={() => vote(db, key, true)}
      >
        <GoodIcon />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Bad answer"
        title="Bad answer"
        aria-pressed={message.vote === false}
        onClick={() => vote(db, key, false)}
      >
        <BadIcon />
      </button>
    </>
  );
}

import type { Message } from "@convosync/client";
import { useLayoutEffect, useRef, useState } from "react";
import { MessageItem } from "./MessageItem";

/** How many messages are shown at first, the last ones, and how many more each time. */
const STEP = 80;

/** How near the end counts as reading along, in pixels. */
const NEAR = 80;

/** What was said in a conversation. It follows what is being written as long as its end is in view. */
export function Transcript({ messages }: { messages: Message[] | undefined }) {
  const [shown, setShown] = useState(STEP);
  const place = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  useLayoutEffect(() => {
    const { current } = place;
    if (current && following.current) current.scrollTop = current.scrollHeight;
  }, [messages]);
  if (!messages) return <div className="transcript" />;
  const earlier = messages.length - shown;
  return (
    <div
      ref={place}
      className="transcript"
      role="region"
      aria-label="Messages"
      // Whoever has no pointer scrolls it by keys.
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        following.current = scrollHeight - scrollTop - clientHeight < NEAR;
      }}
    >
      {earlier > 0 && (
        <button type="button" className="link more" onClick={() => setShown(shown + STEP)}>
          Show earlier messages ({earlier.toLocaleString("en")})
        </button>
      )}
      <ol className="messages">
        {messages.slice(-shown).map((message) => (
          <MessageItem key={message.message_id} message={message} />
        ))}
      </ol>
      {messages.length === 0 && <p className="nothing">Nothing is left of this conversation.</p>}
    </div>
  );
}

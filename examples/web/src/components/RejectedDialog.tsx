import { useConversations, useRejected } from "@convosync/client/react";
import { usePage } from "../app-context";
import { titleOf } from "../texts";
import { Dialog } from "./Dialog";

/** What the server refused, why, and the way to mend it. */
export function RejectedDialog({ onClose }: { onClose: () => void }) {
  const page = usePage();
  const rejected = useRejected();
  const conversations = useConversations();
  return (
    <Dialog title="Refused by the server" onClose={onClose}>
      <div className="stack">
        <p>
          These changes are kept on this device only. Edit the item, and it is sent again with the
          next turn.
        </p>
        {rejected?.length === 0 && <p className="nothing">Nothing is refused any more.</p>}
        <ul className="rejected">
          {rejected?.map((item) => {
            const conversation = conversations?.find(({ id }) => id === item.conversation_id);
            return (
              <li key={`${item.conversation_id} ${item.message_id}`}>
                <p className="rejected-what">
                  {item.message_id === "" ? "The conversation" : "A message of"}{" "}
                  <strong>{conversation ? titleOf(conversation) : item.conversation_id}</strong>
                </p>
                <p className="rejected-why">
                  {item.path && <code>{item.path}</code>} {item.message}
                </p>
                {conversation && (
                  <button
                    type="button"
                    className="link"
                    onClick={() => {
                      onClose();
                      page.open(conversation.id);
                    }}
                  >
                    Go there
                  </button>
                )}
              </li>
            );
          })}
        </ul>
      </div>
    </Dialog>
  );
}

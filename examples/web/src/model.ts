/** The name of the model, as the messages have it. */
export const MODEL = "canned-1";

interface Reply {
  about: RegExp;
  text: string;
}

const REPLIES: Reply[] = [
  {
    about: /\b(offline|plane|train|tunnel|no network)\b/i,
    text: `Go ahead and lose the network: nothing here waits for it. What you write is kept in this browser first, together with a note that it is still to be sent.

When the connection is back, one request carries your changes up and brings down what your other devices did meanwhile. If you edited one message on the phone and another on the laptop, both edits stay.`,
  },
  {
    about: /\b(sync|synchroni[sz]e|device|devices|phone|laptop)\b/i,
    text: `Every device keeps the whole of your conversations and talks to one server.

A change travels in three steps. It is written on the device, it is posted with the moment at which you made it, and the server tells every other device that listens. Where two devices change the same thing, the later change wins; where they change different things, you keep both.`,
  },
  {
    about: /\b(delete|remove|erase|undo)\b/i,
    text: `Deleting takes effect at once, here and, as soon as they hear of it, on your other devices. The server erases the content and keeps only the fact that something was deleted, so that a device which slept through it does not bring the text back.

If it was a mistake, choose Undo: the conversation lives again everywhere.`,
  },
  {
    about: /\b(account|sign in|anonymous|user|token|privacy|private)\b/i,
    text: `You began without an account, as an anonymous visitor whom the server knows by a secret in this browser.

Once you sign in, what you wrote so far joins the conversations of your account in a single step. Signing out removes all of it from this browser, and leaves it on the server.`,
  },
  {
    about: /\b(tea|coffee)\b/i,
    text: `For a calm cup of green tea, let the water cool for about four minutes after it boils, to something near 75 °C.

Take two grams of leaves for a small cup and pour them off after ninety seconds. The second infusion is often the better one, and needs only half the time.`,
  },
  {
    about: /\b(walk|weekend|hike|trip|lisbon|travel)\b/i,
    text: `Leave early and keep the plan loose: one thing to see before noon, a long lunch, and an unhurried way back that follows the water.

Carry less than you think you need. A bottle, a second layer and something to read on the bench at the top will do.`,
  },
  {
    about: /\b(name|title|call it)\b/i,
    text: `Three directions, from plain to playful. Plain: say what it does, in two words at most. Borrowed: take a word from a craft that shares its gesture, such as weaving or tuning. Playful: pick a sound that is easy to type, and let people give it a meaning.

Say each of them aloud to somebody who has not heard of it. The one that they can spell is the one to keep.`,
  },
  {
    about: /^(hi|hello|hey|good (morning|evening))\b/i,
    text: `Hello! I am a canned model: I know a handful of answers and no more, but I stream them as a real one would. Ask me how syncing works, or what happens offline, and watch the answer arrive on a second device while I write it.`,
  },
];

const OTHERWISE = [
  `That deserves a better answer than a canned model can give. Were a real one behind this page, its words would arrive in just this way: piece by piece, stored as they come, and visible on your other devices before the last sentence is finished.`,
  `Let me think aloud. First, write down what you know for certain. Second, mark what you only suppose. Third, look for the one supposition that would change the most if it were wrong, and test that before anything else.`,
  `A short answer first: it depends on what you want to keep. A longer one: list what must not be lost, what would be nice to have, and what nobody would miss, and begin with the first list alone.`,
];

/** The model's answer to a question: the same for the same question. */
export function replyTo(question: string): string {
  const known = REPLIES.find((reply) => reply.about.test(question));
  if (known) return known.text;
  const sum = Array.from(question).reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return OTHERWISE[sum % OTHERWISE.length] ?? "";
}

/** The answer in the pieces in which a model streams it, a piece every `pace` milliseconds, until `signal` aborts. */
export async function* stream(
  question: string,
  pace: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (const piece of replyTo(question).match(/\s*\S+/g) ?? []) {
    await pause(pace, signal);
    if (signal.aborted) return;
    yield piece;
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

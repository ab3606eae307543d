import type { convosync } from "@convosync/client";

type Sync = ReturnType<typeof convosync>;

/** What tabs say to each other: which token there is now, or that a new tab asks for it. */
type Said = { token: string | undefined } | "asking";

/** How long a new tab waits for the others to tell the token, in milliseconds. */
const PATIENCE = 300;

/**
 * Who uses the page. The token that was typed in is kept in memory alone, as whatever can read a page's storage could
 * take a token from there long after. The tabs of this browser hand it on; when the last one is closed or loaded
 * anew, it is asked for again. An app of yours would get a fresh one from its issuer in `token` instead.
 */
export class Session {
  #token: string | undefined;
  readonly #channel: BroadcastChannel;
  readonly #asked: Promise<void>;

  /** @param database the name of the database that the token belongs to */
  constructor(database: string) {
    this.#channel = new BroadcastChannel(`token of ${database}`);
    this.#asked = new Promise((resolve) => {
      setTimeout(resolve, PATIENCE);
      this.#channel.onmessage = ({ data }: MessageEvent<Said>) => {
        if (data === "asking") {
          if (this.#token !== undefined) this.#say({ token: this.#token });
        } else {
          this.#token = data.token;
          resolve();
        }
      };
    });
    this.#say("asking");
  }

  /** The token for the server; `undefined` without one, and where the one there is was refused. */
  readonly token = async (refresh: boolean): Promise<string | undefined> => {
    if (refresh) return undefined;
    await this.#asked;
    return this.#token;
  };

  /** Signs in; what this browser has is merged into the user's conversations. Rejects where the server refuses. */
  async signIn(sync: Sync, userId: string, token: string): Promise<void> {
    const before = this.#token;
    this.#keep(token || undefined);
    try {
      await sync.signIn({ userId, token: this.token });
    } catch (error) {
      this.#keep(before);
      throw error;
    }
  }

  /** Signs out, removes everything from this browser, and begins anew as an anonymous visitor. */
  async signOut(sync: Sync): Promise<void> {
    await sync.signOut();
    this.#keep(undefined);
    sync.start();
  }

  #keep(token: string | undefined): void {
    this.#token = token;
    this.#say({ token });
  }

  #say(said: Said): void {
    this.#channel.postMessage(said);
  }
}

/** Who has signed in. */
export interface Person {
  /** What the API knows them by. */
  readonly id: string;
  /** What they are called, as far as the provider says. */
  readonly name: string;
}

/** How far signing in has got. */
export type SignInState =
  | {
      readonly kind: 'out';
      /** Why nobody is signed in, where somebody wanted to be. */
      readonly problem: string | null;
    }
  /** The provider is asked, or about to be. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'in'; readonly person: Person };

/** Signing in as the page sees it; `auth.ts` does it, which is loaded only where somebody can sign in. */
export interface SignIn {
  readonly state: () => SignInState;
  /** @returns What ends it. */
  readonly subscribe: (changed: () => void) => () => void;
  /**
   * Takes the person to the provider.
   *
   * @param hash - The view to come back to, with its `#`.
   */
  readonly start: (hash: string) => Promise<void>;
  /** Forgets the person, here and at the provider. */
  readonly end: () => Promise<void>;
  /** A token that is good for a request now, renewed where it can be; `null` where nobody is signed in. */
  readonly accessToken: () => Promise<string | null>;
}

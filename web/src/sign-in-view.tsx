import type { SignIn, SignInState } from './sign-in.ts';
import './sign-in.css';

/** Who is signed in, and the way out. */
export function Account({ signIn, name }: { readonly signIn: SignIn; readonly name: string }) {
  return (
    <div class="account">
      <span class="account-name" title={name}>
        <span class="visually-hidden">Signed in as </span>
        {name}
      </span>
      <button type="button" class="outline secondary" onClick={() => void signIn.end()}>
        Sign out
      </button>
    </div>
  );
}

/** What there is before somebody has signed in. */
export function SignInView({
  signIn,
  state,
  issuer,
}: {
  readonly signIn: SignIn;
  readonly state: Exclude<SignInState, { readonly kind: 'in' }>;
  readonly issuer: string;
}) {
  const isBusy = state.kind === 'busy';
  return (
    <article class="sign-in">
      <h1>Sign in to hear what comes next</h1>
      <p>
        Encore makes a list of artists for you, says why each is on it, and learns from what you like and
        play. It has to know whose list it is.
      </p>
      <button
        type="button"
        aria-busy={isBusy}
        disabled={isBusy}
        onClick={() => void signIn.start(location.hash)}
      >
        {isBusy ? 'Signing in…' : 'Sign in'}
      </button>
      <p class="muted">
        You sign in at {new URL(issuer).host} and come back here. Encore never sees your password.
      </p>
      {/* There before it says anything, so that it is read out; nothing is below it that would move. */}
      <p class="sign-in-problem" role="alert">
        {state.kind === 'out' ? state.problem : null}
      </p>
    </article>
  );
}

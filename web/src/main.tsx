import { render } from 'preact';
import '@picocss/pico/css/pico.css';
import './style.css';
import { authorizeWith } from './api/client.ts';
import { App } from './app.tsx';
import { loadConfig, type SignInConfig } from './config.ts';
import type { SignIn } from './sign-in.ts';

render(await start().catch(() => <NotStarted />), document.querySelector('#app')!);

async function start() {
  const config = await loadConfig();
  const signIn = config.signIn === undefined ? null : await loadSignIn(config.signIn);
  return <App config={config} signIn={signIn} />;
}

/** What a page where nobody signs in does not load. */
async function loadSignIn(config: SignInConfig): Promise<SignIn> {
  const { openSignIn } = await import('./auth.ts');
  const signIn = openSignIn(config, {
    address: location.href,
    goTo: (address) => location.assign(address),
    rename: (address) => history.replaceState(null, '', address),
    kept: sessionStorage,
    fetch: (...request) => fetch(...request),
    now: Date.now,
  });
  authorizeWith(signIn.accessToken);
  return signIn;
}

/** What is to be seen where not even the page knows where it is. */
function NotStarted() {
  return (
    <main class="container">
      <section class="state failed" role="alert">
        <h1>Encore could not start</h1>
        <p>The service does not answer. It may be starting, or your connection is gone.</p>
        <button type="button" onClick={() => location.reload()}>
          Try again
        </button>
      </section>
    </main>
  );
}

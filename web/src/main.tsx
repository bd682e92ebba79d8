import { render } from 'preact';
import '@picocss/pico/css/pico.css';
import './style.css';
import { App } from './app.tsx';
import { loadConfig } from './config.ts';

const root = document.querySelector('#app')!;
render(<App config={await loadConfig()} />, root);

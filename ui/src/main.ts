// The page starts here: theme and address first, so that nothing flashes.

import './fonts.css';
import './app.css';

import { mount } from 'svelte';

import { startTheme } from './state/app.svelte';
import { startRouting } from './state/route.svelte';
import App from './views/App.svelte';

startTheme();
startRouting();
mount(App, { target: document.getElementById('app')! });

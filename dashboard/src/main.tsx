import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/parts.css';
import './style/pages.css';
import './ui/scheme';

import {render} from 'preact';

import {App} from './app';

const root = document.getElementById('app');

if (root !== null) {
    render(<App />, root);
}

import './base.css';
import './dialogs.css';
import './files.css';
import './compare.css';
import './reports.css';

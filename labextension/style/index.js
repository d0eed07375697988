import './base.css';
import './batches.css';
import './dialogs.css';
import './files.css';
import './documents.css';
import './compare.css';
import './reports.css';

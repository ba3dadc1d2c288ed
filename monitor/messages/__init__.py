"""What people read: notifications in words, in their language, safe to show and cut to fit."""

"""What plugins and authors subclass or fill in; imports only the domain."""

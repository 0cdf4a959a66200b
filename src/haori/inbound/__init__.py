"""What a client of ours may cost before anybody knows who it is: bounds of one connection, for every HTTP server of ours.

Takes bytes off a socket, gives Uvicorn's protocol with limits in time and size, and serves an application behind it. It knows
no request, no user and no room. Its modules are imported only where a server is started, since they bring all of Uvicorn along.
"""
